/**
 * Makes build/bundle/ of the compiled agent: a few files of what is really used, for a running agent is small only with
 * them (docs/adr/0007-agent-memory.md). Without esbuild nothing is made and the agent runs from build/agent/.
 */
import { rmSync } from 'node:fs';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Loads {
  onLoad(which: { filter: RegExp }, load: () => { contents: string }): void;
}

/** What is used of esbuild, so that compiling does not need it. */
interface Esbuild {
  build(options: object): Promise<unknown>;
}

const build = join(dirname(fileURLToPath(import.meta.url)), '../..');
const output = join(build, 'bundle');

/** zod's messages in some 45 languages, of which English alone is asked for. */
const onlyEnglish = {
  name: 'only-english',
  setup: (loads: Loads) =>
    loads.onLoad({ filter: /zod[/\\]v4[/\\]locales[/\\]index\.js$/ }, () => ({
      contents: `export { default as en } from './en.js';`,
    })),
};

/** Libraries written as CommonJS call these; an ES module has none of its own. */
const commonJs = [
  `import { createRequire as droverCreateRequire } from 'node:module';`,
  `const require = droverCreateRequire(import.meta.url);`,
].join('');

async function esbuild(): Promise<Esbuild | undefined> {
  const name: string = 'esbuild'; // a variable: the compiler must not look for its types
  return import(name).then(
    (module: Esbuild) => module,
    () => undefined,
  );
}

// Names stay as they are and lines stay short: a stack trace says where, also without the map beside each file.
const options = {
  entryPoints: [join(build, 'agent/main.js'), join(build, 'agent/host/give-back.js')],
  outdir: output,
  entryNames: '[name]',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  sourcemap: 'external',
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'warning',
  banner: { js: commonJs },
  // koffi has a compiled part; the others are dbus-next's, tried when asked for and absent here.
  external: ['koffi', 'x11', 'usocket'],
  plugins: [onlyEnglish],
};

const bundler = await esbuild();
rmSync(output, { recursive: true, force: true });
if (!bundler)
  process.stderr.write('build: no esbuild here: the agent is not bundled and needs some more memory\n');
else
  await bundler.build(options).catch((fault: Error) => {
    rmSync(output, { recursive: true, force: true });
    process.stderr.write(`build: the agent is not bundled: ${fault.message}\n`);
  });
