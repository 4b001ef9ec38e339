// What can be wrong with an interface, in the same words whichever way it is captured.
import { HellotapError } from '../errors.js';

export function noSuchInterface(name: string, known: readonly string[]): HellotapError {
  return new HellotapError('ERR_CAPTURE_OPEN', `there is no interface ${name}; there are: ${known.join(', ')}`);
}

export function interfaceDown(name: string, cause: unknown): HellotapError {
  const message = `interface ${name} is down; bring it up first: ip link set ${name} up`;
  return new HellotapError('ERR_CAPTURE_OPEN', message, { cause });
}

export function captureDenied(name: string, cause: unknown): HellotapError {
  const remedy =
    'run it as root, or give Node.js the right to capture: sudo setcap cap_net_raw+ep "$(readlink -f "$(command -v node)")"';
  return new HellotapError('ERR_CAPTURE_PERMISSION', `no right to capture on ${name}; ${remedy}`, { cause });
}
