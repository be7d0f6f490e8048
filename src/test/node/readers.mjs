import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { EventSource } from 'eventsource';
import { createEventSource } from 'eventsource-client';
import { aiAliases, loadAi, openAiAliases, script } from './common.mjs';

const require = createRequire(import.meta.url);
const { getBytes, getLines, getMessages } = require('@microsoft/fetch-event-source/lib/cjs/parse.js');

const usage = 'readers.mjs ui|openai FILE...';

// What each client's own reader finds in a body: `events` with their data, `chunks` where the client shows nothing but the JSON in them.
await script(usage, 2, {}, async ([wire, ...files]) => {
  const results = {};
  for (const file of files) results[basename(file)] = await readAll(wire, await readFile(file));
  return results;
});

async function readAll(wire, bytes) {
  const results = {
    eventsource: await caught((events) => byEventSource(bytes, events)),
    'eventsource-client': await caught((events) => byEventSourceClient(bytes, events)),
    'fetch-event-source': await caught((events) => byFetchEventSource(bytes, events)),
  };
  if (wire === 'openai') {
    for (const alias of openAiAliases) results[alias] = await caught((chunks) => byOpenAi(alias, bytes, chunks));
  } else {
    for (const alias of aiAliases) results[alias] = await caught((chunks) => byAi(alias, bytes, chunks));
  }
  return results;
}

/** What came until a reader threw, and what it threw. */
async function caught(read) {
  const seen = [];
  try {
    await read(seen);
    return { seen, error: null };
  } catch (thrown) {
    return { seen, error: thrown.message };
  }
}

function answer(bytes) {
  return new Response(bytes, { headers: { 'content-type': 'text/event-stream' } });
}

/** Both come back when a body ends, and are closed by then. */
function byEventSource(bytes, events) {
  return new Promise((resolve) => {
    const source = new EventSource('http://localhost/', { fetch: async () => answer(bytes) });
    source.onmessage = ({ data }) => events.push(data);
    source.onerror = () => {
      source.close();
      resolve();
    };
  });
}

function byEventSourceClient(bytes, events) {
  return new Promise((resolve) => {
    const source = createEventSource({
      url: 'http://localhost/',
      fetch: async () => answer(bytes),
      onMessage: ({ data }) => events.push(data),
      onDisconnect: () => {
        source.close();
        resolve();
      },
    });
  });
}

/** Its parser alone: the rest of it is for browsers. */
async function byFetchEventSource(bytes, events) {
  const onMessage = ({ data }) => events.push(data);
  await getBytes(answer(bytes).body, getLines(getMessages(() => {}, () => {}, onMessage)));
}

async function byOpenAi(alias, bytes, chunks) {
  const { Stream } = await import(`${alias}/streaming`);
  for await (const chunk of Stream.fromSSEResponse(answer(bytes), new AbortController())) chunks.push(chunk);
}

async function byAi(alias, bytes, chunks) {
  const { ai } = await loadAi(alias);
  const schema = ai.uiMessageChunkSchema;
  for await (const result of ai.parseJsonEventStream({ stream: answer(bytes).body, schema })) {
    if (!result.success) throw result.error;
    chunks.push(result.value);
  }
}
