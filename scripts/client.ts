/** The client as a script, beside the other actors: `node dist/scripts/client.js run job.js`; the same as `millrace`. */
import '../cluster/cli/main.js';
