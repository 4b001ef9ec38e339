// Bundles the program into dist/: a start reads a few files instead of a hundred, which takes a third of the time. Names and
// lines stay readable. Packages that most commands load are taken in; the others are loaded when they are asked for.
const { readFileSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const { buildSync } = require('esbuild');

/** Every start needs them; all others are loaded from node_modules when they are asked for. */
const TAKEN_IN = ['commander', 'ipaddr.js', 'lru-cache', 'picocolors'];

const { dependencies, optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const external = Object.keys({ ...dependencies, ...optionalDependencies }).filter((name) => !TAKEN_IN.includes(name));

rmSync('dist', { recursive: true, force: true });
buildSync({
  entryPoints: { main: 'src/cli/main.ts', 'scan-worker': 'src/database/scan-worker.ts' },
  outdir: 'dist/cli',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  external,
  logLevel: 'warning',
  // CommonJS packages ask for Node's own modules in their way.
  banner: {
    js: "import { createRequire as requireFor } from 'node:module';\nconst require = requireFor(import.meta.url);",
  },
});

const licences = TAKEN_IN.map((name) => {
  const file = readdirSync(`node_modules/${name}`).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name}\n\n${file === undefined ? '' : readFileSync(`node_modules/${name}/${file}`, 'utf8')}`;
});
writeFileSync('dist/LICENSES.txt', licences.join(`\n${'-'.repeat(80)}\n`));
