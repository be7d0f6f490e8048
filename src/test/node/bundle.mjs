import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
export const modules = join(here, 'node_modules');

/** A module with all that it imports, as a browser takes it; `docs/` are the files that a page for clients shows. */
export async function bundle(entry, docs, alias = {}) {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    nodePaths: [modules],
    absWorkingDir: here,
    alias: { docs, ...alias },
  });
  return result.outputFiles[0].text;
}
