import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { answerOf, App } from './app.mjs';
import { aiAliases, loadAi, script } from './common.mjs';

const usage = 'approvals.mjs BASEURL KEY decide|reload|elsewhere TEXT ANSWER... [--ai ALIAS]    (ANSWER: yes | no | no:REASON)';
const options = { ai: { type: 'string' } };
/** Long enough for a request too many to be seen. */
const QUIET_MS = 1500;

/** What an app does that lets its user approve, as the SDK's documentation has it: nothing but the answers is its own. */
const scenarios = {
  /** Every approval that is asked gets the next answer, until the turn is over; then the user writes on. */
  async decide(app, text, ...answers) {
    const chat = open(app);
    await chat.sendMessage({ text });
    const pauses = await answer(chat, answers);
    const decided = app.seen(chat);
    await pause(QUIET_MS);
    const requests = [...app.requests];
    await chat.sendMessage({ text: 'echo it goes on' });
    return { pauses, decided, decidedText: textBefore(decided), sent: requests, ...app.seen(chat), answer: answerOf(chat) };
  },

  /** The page is opened again while an approval waits. */
  async reload(app, text, ...answers) {
    const left = open(app);
    await left.sendMessage({ text });
    const before = app.seen(left);
    const stored = await app.load();
    const chat = open(app, stored);
    await chat.resumeStream();
    const resumed = app.seen(chat);
    const pauses = await answer(chat, answers);
    await pause(QUIET_MS);
    return { before, stored, resumed, pauses, sent: [...app.requests], ...app.seen(chat), answer: answerOf(chat) };
  },

  /** Somebody else was faster, and said the contrary; the page then takes the turn up. */
  async elsewhere(app, text, given) {
    const chat = open(app);
    await chat.sendMessage({ text });
    const [asked] = requested(chat);
    await app.decide(asked.toolCallId, !parse(given).approved);
    await chat.addToolApprovalResponse({ id: asked.approval.id, ...parse(given) });
    await until(() => chat.status === 'error' || settled(chat));
    const refused = app.seen(chat);
    await pause(QUIET_MS);
    const again = open(app, await app.load());
    await again.resumeStream();
    return { refused, sent: [...app.requests], ...app.seen(again), answer: answerOf(again) };
  },
};

function open(app, messages = []) {
  return app.open(messages, { sendAutomaticallyWhen: app.ai.lastAssistantMessageIsCompleteWithApprovalResponses });
}

function parse(given) {
  const [word, ...reason] = given.split(':');
  return word === 'yes' ? { approved: true } : { approved: false, reason: reason.join(':') || undefined };
}

function tools(chat) {
  return (chat.messages.at(-1)?.parts ?? []).filter((part) => part.type.startsWith('tool-'));
}

function requested(chat) {
  return tools(chat).filter((part) => part.state === 'approval-requested');
}

function settled(chat) {
  return chat.status === 'ready' && tools(chat).every((part) => part.state.startsWith('output-'));
}

/** Gives each approval its answer, those of one pause one after another; how many each pause asked. */
async function answer(chat, answers) {
  const left = [...answers];
  const pauses = [];
  for (;;) {
    await until(() => chat.status === 'error' || settled(chat) || (chat.status === 'ready' && requested(chat).length > 0));
    const asked = requested(chat);
    if (chat.status === 'error' || asked.length === 0) return pauses;
    pauses.push(asked.length);
    for (const part of asked) {
      if (left.length === 0) throw new Error(`no answer is left for ${part.type}`);
      await chat.addToolApprovalResponse({ id: part.approval.id, ...parse(left.shift()) });
    }
    await until(() => requested(chat).every((part) => !asked.some((one) => one.toolCallId === part.toolCallId)));
    // The SDK sends by itself, in a task of its own.
    await until(() => chat.status !== 'ready' || settled(chat) || requested(chat).length > 0);
  }
}

function textBefore(seen) {
  return seen.messages.at(-1).parts.filter((part) => part.type === 'text').map((part) => part.text).join('');
}

async function until(condition) {
  while (!condition()) await pause(10);
}

await script(usage, 5, options, async ([baseUrl, key, scenario, text, ...answers], { ai: only }) => {
  if (!Object.hasOwn(scenarios, scenario)) throw new Error(`usage: ${usage}`);
  const results = {};
  for (const alias of only ? [only] : aiAliases) {
    const { ai, version } = await loadAi(alias);
    const app = new App(ai, baseUrl, key, `approvals-${randomUUID()}`);
    results[alias] = { version, id: app.id, ...(await scenarios[scenario](app, text, ...answers)), requests: app.requests };
  }
  return results;
});
