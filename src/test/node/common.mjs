import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const require = createRequire(import.meta.url);

const packages = Object.keys(require('./package.json').dependencies);

/** Every AI SDK that package.json names: one more version is one more line there. */
export const aiAliases = packages.filter((name) => /^ai(-|$)/.test(name));

/** Every OpenAI SDK, alike. */
export const openAiAliases = packages.filter((name) => /^openai(-|$)/.test(name));

/** The package behind an alias, with the version that is really installed. */
export async function loadAi(alias) {
  if (!aiAliases.includes(alias)) throw new Error(`no such AI SDK: ${alias}; there are ${aiAliases.join(', ')}`);
  return { version: require(`${alias}/package.json`).version, ai: await import(alias) };
}

/**
 * Runs one script: one JSON document on stdout and exit 0, or a message on stderr and exit 1. Exits by itself, since
 * the clients leave sockets and timers behind, and never runs longer than `--max-ms`.
 *
 * @param usage the arguments, as told to whoever gets them wrong
 * @param arity the least number of positional arguments
 * @param run gets the positional arguments and the options, answers what is printed
 */
export async function script(usage, arity, options, run) {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: { 'max-ms': { type: 'string', default: '30000' }, ...options },
    });
    const maxMs = Number(values['max-ms']);
    if (positionals.length < arity || !(maxMs > 0)) throw new Error(`usage: ${usage} [--max-ms MS]`);
    setTimeout(() => fail(new Error(`not finished after ${maxMs} ms`)), maxMs);
    const result = await run(positionals, values, maxMs);
    process.stdout.write(JSON.stringify(result, null, 1) + '\n', () => process.exit(0));
  } catch (error) {
    fail(error);
  }
}

function fail(error) {
  process.stderr.write(`${error?.stack ?? error}\n`, () => process.exit(1));
}

/** The text of all text parts of a UI message. */
export function textOf(message) {
  return (message?.parts ?? []).filter((part) => part.type === 'text').map((part) => part.text).join('');
}

/** Whether the last `data:` line of an SSE body is the terminator, which both SDKs skip without a word. */
export function endsWithDone(bytes) {
  const data = bytes.toString('utf8').split(/\r\n|\r|\n/).filter((line) => line.startsWith('data:'));
  return data.length > 0 && data.at(-1).slice('data:'.length).trim() === '[DONE]';
}
