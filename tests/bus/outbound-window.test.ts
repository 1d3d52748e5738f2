import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OutboundWindow } from '../../bus/transports/nats/outbound-window.js';

const test = suite('bytes on the way to the server');

/** A window over a server that answers when the test says so. */
function createRoom() {
  const questions: { readonly answer: () => void; readonly lose: () => void }[] = [];
  const window = new OutboundWindow({
    highBytes: 1_000,
    lowBytes: 400,
    lentMax: 3,
    flush: () =>
      new Promise<void>((resolve, reject) => {
        questions.push({ answer: resolve, lose: () => reject(new Error('lost')) });
      }),
  });
  let reliefs = 0;
  window.onRelief(() => (reliefs += 1));
  return {
    window,
    questions,
    reliefs: () => reliefs,
    /** Answers the question of this number. */
    answer: async (index: number, how: 'answer' | 'lose' = 'answer') => {
      questions[index]?.[how]();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test('it is congested above the high mark and until no more than the low one is on the way (OW1)', async () => {
  const { window, answer, reliefs } = createRoom();
  window.sent(new Uint8Array(1_000));
  assert.not(window.isCongested);
  window.sent(new Uint8Array(1));
  assert.ok(window.isCongested);
  window.sent(new Uint8Array(499));
  await answer(0);
  assert.ok(window.isCongested, '500 bytes are on the way still');
  assert.is(reliefs(), 0);
  await answer(1);
  assert.not(window.isCongested);
  assert.is(reliefs(), 1);
  assert.is(window.congestions, 1);
});

test('the server is asked a quarter of the low mark after it was asked last, one question at a time (OW2)', async () => {
  const { window, questions, answer } = createRoom();
  window.sent(new Uint8Array(99));
  assert.is(questions.length, 0);
  window.sent(new Uint8Array(1));
  assert.is(questions.length, 1);
  window.sent(new Uint8Array(300));
  assert.is(questions.length, 1, 'the first question is open');
  await answer(0);
  assert.is(questions.length, 2, 'what came meanwhile is asked for at once');
  await answer(1);
  assert.is(questions.length, 2);
  window.sent(new Uint8Array(99));
  assert.is(questions.length, 2);
  window.sent(new Uint8Array(1));
  assert.is(questions.length, 3);
});

test('a new connection begins with relief and an empty window, and an answer from before changes nothing (OW3)', async () => {
  const { window, answer, reliefs } = createRoom();
  window.sent(new Uint8Array(2_000));
  assert.ok(window.isCongested);
  window.lost();
  assert.ok(window.isCongested, 'until a new one stands');
  window.renewed();
  assert.not(window.isCongested);
  window.renewed();
  assert.is(reliefs(), 2, 'also where it was not congested: what waited for the connection waits no more');
  window.sent(new Uint8Array(2_000));
  await answer(0, 'lose');
  assert.ok(window.isCongested, 'what was published since is not known to have arrived');
  await answer(1);
  assert.not(window.isCongested);
});

test('what was lent is handed back in order once the server has it, and asked for when a few are out (OW4)', async () => {
  const { window, questions, answer } = createRoom();
  const back: number[] = [];
  const lend = (id: number): void => window.sent(Uint8Array.of(id), ([first]) => back.push(first as number));
  lend(1);
  lend(2);
  assert.is(questions.length, 0);
  lend(3);
  assert.is(questions.length, 1, 'three bytes are far below the mark');
  lend(4);
  await answer(0);
  assert.equal(back, [1, 2, 3], 'the answer says nothing of what was published after the question');
  assert.is(questions.length, 1);
  lend(5);
  lend(6);
  await answer(1);
  assert.equal(back, [1, 2, 3, 4, 5, 6]);
});

test('what was lent to a lost connection is handed back when a new one stands, not before (OW4)', async () => {
  const { window, answer } = createRoom();
  const back: number[] = [];
  const lend = (id: number): void => window.sent(Uint8Array.of(id), ([first]) => back.push(first as number));
  for (const id of [1, 2, 3, 4]) lend(id);
  window.lost();
  await answer(0, 'lose');
  assert.equal(back, [], 'the connection may still hold them');
  lend(5);
  window.renewed();
  assert.equal(back, [1, 2, 3, 4], 'what was published to the new one is not confirmed');
});

test.run();
