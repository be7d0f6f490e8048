import { createRequire } from 'node:module';
import { script, textOf } from './common.mjs';

const usage = 'frameworks.mjs BASEURL KEY MODEL CLIENT[,CLIENT...] TEXT...';

// For each client, at the same time: one question after the other, each in a conversation of its own. The text that came, and the error that
// the client threw or told.
await script(usage, 5, {}, async ([baseUrl, key, model, named, ...texts]) => {
  const relay = { origin: baseUrl.replace(/\/$/, ''), key, model };
  const answers = named.split(',').map(async (client) => [client, await answersOf(await clients()[client](relay), texts)]);
  return Object.fromEntries(await Promise.all(answers));
});

async function answersOf(ask, texts) {
  const answers = [];
  for (const text of texts) {
    const answer = { text: '', error: null };
    answers.push(answer);
    try {
      await ask(text, (piece) => (answer.text += piece), answer);
    } catch (thrown) {
      answer.error = thrown.message;
    }
  }
  return answers;
}

/** Each gives a function that asks one text, tells pieces of the answer's text and throws what went wrong. */
function clients() {
  return {
    openai: (relay) => openAi('openai', relay),
    'openai-6': (relay) => openAi('openai-6', relay),
    agents,
    langchain,
    'ai-sdk': aiSdk,
    'assistant-ui': assistantUi,
    'fetch-event-source': fetchEventSource,
    'eventsource-client': eventSourceClient,
  };
}

/** The loop of every quick start. */
async function openAi(alias, { origin, key, model }) {
  const { default: OpenAI } = await import(alias);
  const client = new OpenAI({ baseURL: `${origin}/run/v1`, apiKey: key, maxRetries: 0 });
  return async (content, told) => {
    const messages = [{ role: 'user', content }];
    for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
      told(chunk.choices[0].delta.content ?? '');
    }
  };
}

async function agents({ origin, key, model }) {
  const { Agent, run, setTracingDisabled } = await import('@openai/agents-core');
  const { OpenAIChatCompletionsModel } = await import('@openai/agents-openai');
  const { default: OpenAI } = await import('openai');
  setTracingDisabled(true);
  const client = new OpenAI({ baseURL: `${origin}/run/v1`, apiKey: key, maxRetries: 0 });
  return async (text, told, answer) => {
    const agent = new Agent({ name: 'helper', model: new OpenAIChatCompletionsModel(client, model) });
    const result = await run(agent, text, { stream: true });
    for await (const piece of result.toTextStream()) told(piece);
    await result.completed;
    answer.final = result.finalOutput ?? null;
  };
}

async function langchain({ origin, key, model }) {
  const { ChatOpenAI } = await import('@langchain/openai');
  const configuration = { baseURL: `${origin}/run/v1` };
  const chat = new ChatOpenAI({ model, apiKey: key, configuration, maxRetries: 0 });
  return async (text, told) => {
    for await (const piece of await chat.stream(text)) told(piece.text);
  };
}

async function aiSdk({ origin, key, model }) {
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
  const { streamText } = await import('ai');
  const provider = createOpenAICompatible({ name: 'relay', baseURL: `${origin}/run/v1`, apiKey: key });
  return async (prompt, told, answer) => {
    let failure = null;
    const onError = ({ error }) => (failure ??= error);
    const result = streamText({ model: provider(model), prompt, maxRetries: 0, onError });
    try {
      for await (const piece of result.textStream) told(piece);
      answer.finishReason = await result.finishReason;
    } catch (thrown) {
      failure ??= thrown;
    }
    // What it told first says what happened; what it throws then is that the connection broke.
    if (failure) throw failure;
  };
}

/** The transport alone: the rest of the package is React. */
async function assistantUi({ origin, key, model }) {
  const path = './node_modules/@assistant-ui/ai-sdk/dist/transport/AssistantChatTransport.js';
  const { AssistantChatTransport } = await import(path);
  const { readUIMessageStream } = await import('ai');
  const transport = new AssistantChatTransport({
    api: `${origin}/run/api/chat`,
    headers: { authorization: `Bearer ${key}` },
    body: { model },
    // It always sends an empty object of tools.
    prepareSendMessagesRequest: ({ body: { tools, ...body }, id, messages, trigger, messageId }) => ({
      body: { ...body, id, messages, trigger, messageId },
    }),
  });
  return async (text, told, answer) => {
    const chatId = `assistant-ui-${crypto.randomUUID()}`;
    const messages = [{ id: crypto.randomUUID(), role: 'user', parts: [{ type: 'text', text }] }];
    const stream = await transport.sendMessages({ chatId, trigger: 'submit-message', messages });
    let failure = null;
    let last = null;
    for await (const message of readUIMessageStream({ stream, onError: (thrown) => (failure ??= thrown) })) last = message;
    told(textOf(last));
    if (failure) throw failure;
    answer.resumed = await transport.reconnectToStream({ chatId });
  };
}

/** What it wants of a browser: it asks whether the page is hidden. Others take this for a browser, so it is asked for alone. */
async function fetchEventSource({ origin, key, model }) {
  globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
  globalThis.window = globalThis;
  const client = createRequire(import.meta.url)('@microsoft/fetch-event-source');
  return (content, told) =>
    client.fetchEventSource(`${origin}/run/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content }], stream: true }),
      openWhenHidden: true,
      onmessage: ({ data }) => told(read(data)),
      onerror: (thrown) => {
        throw thrown;
      },
    });
}

async function eventSourceClient({ origin, key, model }) {
  const { createEventSource } = await import('eventsource-client');
  return (content, told) =>
    new Promise((resolve, reject) => {
      const source = createEventSource({
        url: `${origin}/run/v1/chat/completions`,
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model, messages: [{ role: 'user', content }], stream: true }),
        onMessage: ({ data }) => over(() => told(read(data)), data === '[DONE]'),
        onScheduleReconnect: () => over(() => reject(new Error('the connection broke')), true),
      });
      function over(act, last) {
        try {
          act();
        } catch (thrown) {
          reject(thrown);
          last = true;
        }
        if (last) {
          resolve();
          source.close();
        }
      }
    });
}

/** As a page would: every event but the last is a chunk, and an error is one. */
function read(data) {
  if (data === '[DONE]') return '';
  const { choices, error } = JSON.parse(data);
  if (error) throw new Error(error.message);
  return choices[0].delta.content ?? '';
}
