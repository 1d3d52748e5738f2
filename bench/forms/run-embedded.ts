/** Runs a job of bench/jobs on an embedded cluster: `<module> <TaskManagers> <slots of each> [name=value …]`. */
import { run } from '../../cluster/embedded/run.js';

const [module = '', taskManagers = '1', slots = '1', ...parameters] = process.argv.slice(2);
await run(new URL(`../jobs/${module}.js`, import.meta.url).href, {
  taskManagers: Number(taskManagers),
  slots: Number(slots),
  parameters: Object.fromEntries(parameters.map((parameter) => parameter.split('=') as [string, string])),
});
