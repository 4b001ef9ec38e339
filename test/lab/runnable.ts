// Prints the deployments that this machine can run, one id a line; on standard error why the others cannot.
import { deployments, labSkipReason } from './lab.js';

for (const { id, closed } of deployments) {
  const reason = labSkipReason([id]);
  if (reason !== false) console.error(`lab: without ${id}: ${reason}`);
  else if (!closed) console.log(id);
}
