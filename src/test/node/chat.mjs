import { randomUUID } from 'node:crypto';
import { answerOf, App } from './app.mjs';
import { aiAliases, loadAi, script } from './common.mjs';

const usage = 'chat.mjs BASEURL KEY send TEXT... | resume TEXT | reload TEXT | edit TEXT NEWTEXT | error TEXT [--ai ALIAS] [--id ID]';
const options = { ai: { type: 'string' }, id: { type: 'string' } };

/** What an app does with the SDK's own chat; each answers what its user would see. */
const scenarios = {
  async send(app, ...texts) {
    const chat = app.open();
    const turns = [];
    for (const text of texts) {
      await chat.sendMessage({ text });
      turns.push({ text, answer: answerOf(chat), ...app.seen(chat) });
    }
    return { turns, ...app.seen(chat) };
  },

  /** A page that is left in mid-answer and opened again. */
  async resume(app, text) {
    const left = app.open();
    const sending = left.sendMessage({ text });
    await Promise.race([left.firstText, sending]);
    await left.stop();
    await sending;
    const partial = app.seen(left);

    const stored = await app.load();
    const chat = app.open(stored);
    await chat.resumeStream();
    return { partial, stored, ...app.seen(chat), answer: answerOf(chat) };
  },

  /** A page that is opened again after the answer, and whose user asks for another one. */
  async reload(app, text) {
    const first = app.open();
    await first.sendMessage({ text });
    const before = app.seen(first);

    const stored = await app.load();
    const chat = app.open(stored);
    await chat.resumeStream();
    const resumed = app.seen(chat);
    await chat.regenerate();
    return { before, stored, resumed, ...app.seen(chat), answer: answerOf(chat) };
  },

  async edit(app, text, newText) {
    if (newText === undefined) throw new Error(`usage: ${usage}`);
    const chat = app.open();
    await chat.sendMessage({ text });
    const before = app.seen(chat);
    await chat.sendMessage({ text: newText, messageId: chat.messages.find((message) => message.role === 'user').id });
    return { before, ...app.seen(chat), answer: answerOf(chat) };
  },

  async error(app, text) {
    const chat = app.open();
    await chat.sendMessage({ text });
    return { ...app.seen(chat), partialText: answerOf(chat) };
  },
};

await script(usage, 4, options, async ([baseUrl, key, scenario, ...texts], { ai: only, id }) => {
  if (!Object.hasOwn(scenarios, scenario)) throw new Error(`usage: ${usage}`);
  if (id && !only && aiAliases.length > 1) throw new Error('--id needs --ai: one conversation, one client');
  const results = {};
  for (const alias of only ? [only] : aiAliases) {
    const { ai, version } = await loadAi(alias);
    const app = new App(ai, baseUrl, key, id ?? `chat-${randomUUID()}`);
    results[alias] = { version, id: app.id, ...(await scenarios[scenario](app, ...texts)), requests: app.requests };
  }
  return results;
});
