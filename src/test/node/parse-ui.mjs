import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { aiAliases, endsWithDone, loadAi, script } from './common.mjs';

await script('parse-ui.mjs FILE[+FILE...]...', 1, {}, async (files) => {
  const results = {};
  for (const file of files) {
    const bodies = await Promise.all(file.split('+').map((part) => readFile(part)));
    const versions = (results[basename(file)] = {});
    for (const alias of aiAliases) {
      const { ai, version } = await loadAi(alias);
      versions[alias] = { version, ...(await readOn(ai, bodies)) };
    }
  }
  return results;
});

/** Bodies that go on in one message, each after a pause: what the last one leaves, and what every pause left in `pauses`. */
async function readOn(ai, bodies) {
  const pauses = [];
  for (const bytes of bodies) {
    // What is read is changed in place.
    const message = pauses.length === 0 ? undefined : structuredClone(pauses.at(-1).message);
    pauses.push({ ...(await read(ai, bytes, message)), done: endsWithDone(bytes) });
  }
  return { ...pauses.pop(), pauses };
}

/**
 * What `useChat` makes of a body: DefaultChatTransport's parser and schema, then the reducer. `useChat` stops at the
 * first part that it refuses and at an `error` part, and so does the reducer here; the parser goes on, so that one run
 * names everything that is wrong.
 *
 * @param before the message that it goes on in, if any
 */
async function read(ai, bytes, before) {
  const chunks = [];
  const accepted = [];
  const parseErrors = [];
  let stopped = false;
  const parsed = ai.parseJsonEventStream({ stream: new Response(bytes).body, schema: ai.uiMessageChunkSchema });
  for await (const result of parsed) {
    if (result.success) {
      chunks.push(result.value);
      if (!stopped) accepted.push(result.value);
      stopped ||= result.value.type === 'error';
    } else {
      parseErrors.push(result.error.message);
      stopped = true;
    }
  }

  // The reducer changes the parts that it is given in place.
  const stream = ReadableStream.from(structuredClone(accepted));
  let error = null;
  let message = before ?? null;
  const onError = (thrown) => (error ??= thrown.message);
  // Not `terminateOnError`: it throws away the snapshots that wait to be read, and with them text that `useChat` shows.
  for await (const snapshot of ai.readUIMessageStream({ message: before, stream, onError })) message = snapshot;
  // `stopped` without an `error` part: the reducer had nothing against what came before the refused part.
  error ??= parseErrors[0] ?? null;

  return {
    chunks,
    parseErrors,
    message,
    error,
    // After an error `useChat` has not come so far.
    finishReason: (error === null && accepted.findLast((chunk) => chunk.type === 'finish')?.finishReason) || null,
    aborted: error === null && accepted.some((chunk) => chunk.type === 'abort'),
  };
}
