// Bundles the widgets into akidlab/widgets/static: one ES module, and the few lines that load it.
import { build, context } from 'esbuild';
import { rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';

const OUT = '../../akidlab/widgets/static';
const watch = process.argv.includes('--watch');

const common = { bundle: true, format: 'esm', target: 'es2022', logLevel: 'warning' };
const browser = { ...common, loader: { '.css': 'text' }, minify: !watch, legalComments: 'none' };

if (process.argv.includes('--tests')) {
  rmSync('build/tests', { recursive: true, force: true });
  const entryPoints = (await readdir('tests')).filter(name => name.endsWith('.test.ts')).map(name => `tests/${name}`);
  await build({ ...common, entryPoints, platform: 'node', outdir: 'build/tests' });
} else {
  const options = { ...browser, entryPoints: { widgets: 'src/main.ts', loader: 'src/loader.ts' }, outdir: OUT };
  if (watch) {
    await (await context(options)).watch();
  } else {
    await build(options);
  }
}
