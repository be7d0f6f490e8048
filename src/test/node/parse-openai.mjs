import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Stream } from 'openai/streaming';
import { ChatCompletionStream } from 'openai/lib/ChatCompletionStream';
import { endsWithDone, script } from './common.mjs';

await script('parse-openai.mjs FILE...', 1, {}, async (files) => {
  const results = {};
  for (const file of files) results[basename(file)] = await read(await readFile(file));
  return results;
});

async function read(bytes) {
  const open = () => {
    const response = new Response(bytes, { headers: { 'content-type': 'text/event-stream' } });
    return Stream.fromSSEResponse(response, new AbortController());
  };

  // What `create({stream: true})` yields, as it came …
  const chunks = [];
  let error = null;
  try {
    for await (const chunk of open()) chunks.push(chunk);
  } catch (thrown) {
    error = describe(thrown);
  }

  // … and what `stream()` builds of it, which asks for more: one finish reason for each choice.
  const accumulated = ChatCompletionStream.fromReadableStream(open().toReadableStream());
  let accumulationError = null;
  try {
    await accumulated.finalChatCompletion();
  } catch (thrown) {
    accumulationError = describe(thrown);
  }
  return {
    chunks,
    ...assemble(chunks),
    error,
    accumulationError,
    done: endsWithDone(bytes),
  };
}

/** By hand: the SDK's own accumulation ends with its first complaint, and here the text behind it counts too. */
function assemble(chunks) {
  const deltas = chunks.flatMap((chunk) => (chunk.choices ?? []).map((choice) => choice.delta ?? {}));
  const toolCalls = [];
  for (const delta of deltas) {
    for (const { index, ...call } of delta.tool_calls ?? []) {
      const known = (toolCalls[index] ??= { id: null, type: null, function: { name: '', arguments: '' } });
      known.id = call.id ?? known.id;
      known.type = call.type ?? known.type;
      known.function.name += call.function?.name ?? '';
      known.function.arguments += call.function?.arguments ?? '';
    }
  }
  const finishes = chunks.flatMap((chunk) => chunk.choices ?? []).map((choice) => choice.finish_reason);
  return {
    text: deltas.map((delta) => delta.content ?? '').join(''),
    finishReason: finishes.findLast((reason) => reason != null) ?? null,
    toolCalls,
    usage: chunks.findLast((chunk) => chunk.usage)?.usage ?? null,
  };
}

function describe(error) {
  return { name: error.constructor.name, message: error.message, code: error.code ?? null, type: error.type ?? null };
}
