import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { deadExports } from '../../scripts/verify/dead-exports.js';

const test = suite('dead exports');
const file = (path: string, text: string) => ({ path, text });

test('an export that no file imports and its own does not use is found', () => {
  const files = [
    file('core/a.ts', 'export const used = 1;\nexport const dead = 2;\nexport type Gone = string;\nexport interface Own {}\nlet x: Own;'),
    file('core/b.ts', "import { used, type Other as Renamed } from './a.js';\nexport function* generated() {}"),
  ];
  assert.equal(deadExports(files), [
    'core/a.ts: nobody imports dead',
    'core/a.ts: nobody imports Gone',
    'core/b.ts: nobody imports generated',
  ]);
});

test('re-exports, lazily loaded modules and tests count as importers; exports of tests are not looked at', () => {
  const files = [
    file('api/a.ts', 'export class Public {}\nexport const lazy = 1;\nexport const tested = 2;'),
    file('api/index.ts', "export {\n  Public,\n} from './a.js';"),
    file('api/b.ts', "const module = await import('./a.js');\nmodule.lazy;"),
    file('tests/a.test.ts', "import { tested } from '../api/a.js';\nexport const alone = 1;"),
  ];
  assert.equal(deadExports(files), []);
});

test.run();
