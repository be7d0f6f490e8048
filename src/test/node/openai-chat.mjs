import OpenAI from 'openai';
import { script } from './common.mjs';

const options = {
  stream: { type: 'boolean', default: false },
  'abort-first': { type: 'boolean', default: false },
  conversation: { type: 'string' },
  model: { type: 'string', default: 'default' },
};
const usage = 'openai-chat.mjs BASEURL KEY [--stream] [--abort-first] [--conversation ID] [--model NAME] TEXT...';

await script(usage, 3, options, async ([baseUrl, key, ...texts], values) => {
  const attempts = [];
  const client = new OpenAI({
    baseURL: `${baseUrl.replace(/\/$/, '')}/run/v1`,
    apiKey: key,
    fetch: recorded(attempts, values['abort-first']),
  });

  const answers = [];
  const messages = [];
  let error = null;
  for (const text of texts) {
    messages.push({ role: 'user', content: text });
    const body = { model: values.model, messages, conversationId: values.conversation };
    const answer = { text: '', finishReason: null, toolCalls: [], usage: null, chatRelay: [] };
    answers.push(answer);
    try {
      await (values.stream ? stream : complete)(client, body, answer);
    } catch (thrown) {
      error = describe(thrown);
      break;
    }
    messages.push({ role: 'assistant', content: answer.text });
  }
  return { answers, error, attempts };
});

async function complete(client, body, answer) {
  const { data, request_id: requestID } = await client.chat.completions.create(body).withResponse();
  const [choice] = data.choices;
  answer.text = choice.message.content ?? '';
  answer.finishReason = choice.finish_reason;
  answer.toolCalls = choice.message.tool_calls ?? [];
  answer.usage = data.usage ?? null;
  answer.requestID = requestID;
  if (data.chat_relay) answer.chatRelay.push(data.chat_relay);
}

/** Fills the answer as it comes, so that what came before an error is there too. */
async function stream(client, body, answer) {
  const streaming = { ...body, stream: true, stream_options: { include_usage: true } };
  const { data, request_id: requestID } = await client.chat.completions.create(streaming).withResponse();
  answer.requestID = requestID;
  for await (const chunk of data) {
    const choice = chunk.choices[0];
    answer.text += choice?.delta.content ?? '';
    for (const { index, ...call } of choice?.delta.tool_calls ?? []) {
      const known = (answer.toolCalls[index] ??= { ...call, function: { name: '', arguments: '' } });
      known.function.name += call.function?.name ?? '';
      known.function.arguments += call.function?.arguments ?? '';
    }
    answer.finishReason = choice?.finish_reason ?? answer.finishReason;
    answer.usage = chunk.usage ?? answer.usage;
    if (chunk.chat_relay) answer.chatRelay.push(chunk.chat_relay);
  }
}

/**
 * Notes every attempt. With `dropFirst` the first answer is lost once its head is there: the server has the turn, the
 * SDK knows nothing of it and sends the same again.
 */
function recorded(attempts, dropFirst) {
  return async (url, init) => {
    const retryCount = new Headers(init.headers).get('x-stainless-retry-count');
    const attempt = { retryCount: Number(retryCount), status: null, turnId: null, conversationId: null, dropped: false };
    attempts.push(attempt);
    const response = await fetch(url, init);
    attempt.status = response.status;
    attempt.turnId = response.headers.get('x-turn-id');
    attempt.conversationId = response.headers.get('x-conversation-id');
    if (dropFirst && attempts.length === 1) {
      attempt.dropped = true;
      await response.body?.cancel();
      throw new TypeError('fetch failed');
    }
    return response;
  };
}

function describe(error) {
  return {
    name: error.constructor.name,
    status: error.status ?? null,
    message: error.message,
    code: error.code ?? null,
    type: error.type ?? null,
    requestID: error.requestID ?? null,
    retryAfter: error.headers?.get?.('retry-after') ?? null,
  };
}
