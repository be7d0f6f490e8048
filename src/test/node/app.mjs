import { textOf } from './common.mjs';

/** The text that stands below the user's last message. */
export function answerOf(chat) {
  const last = chat.messages.at(-1);
  return last?.role === 'assistant' ? textOf(last) : '';
}

/** One app: it opens the chat of one conversation, as often as its page is loaded. */
export class App {
  requests = [];

  constructor(ai, baseUrl, key, id) {
    this.ai = ai;
    this.baseUrl = baseUrl.replace(/\/$/, '');
    this.headers = { authorization: `Bearer ${key}` };
    this.id = id;
  }

  /** @param more of the SDK's own chat options */
  open(messages = [], more = {}) {
    let tellFirstText;
    const firstText = new Promise((resolve) => (tellFirstText = resolve));
    const state = new State(structuredClone(messages), (message) => {
      if (message.role === 'assistant' && textOf(message)) tellFirstText();
    });
    const api = `${this.baseUrl}/run/api/chat`;
    const fetch = (url, init) => this.fetch(url, init);
    const transport = new this.ai.DefaultChatTransport({ api, headers: this.headers, fetch });
    const chat = new this.ai.AbstractChat({
      id: this.id,
      state,
      transport,
      ...more,
      onFinish: ({ isAbort, isDisconnect, isError, finishReason = null }) =>
        (chat.finish = { isAbort, isDisconnect, isError, finishReason }),
    });
    return Object.assign(chat, { firstText, finish: null });
  }

  /** The messages as the server keeps them, oldest first; the API lists the newest first. */
  async load() {
    const url = `${this.baseUrl}/run/v1/conversations/${encodeURIComponent(this.id)}/messages`;
    const response = await this.fetch(url, { method: 'GET', headers: this.headers });
    if (!response.ok) throw new Error(`GET ${url}: ${response.status} ${await response.text()}`);
    return (await response.json()).data.reverse();
  }

  /** A decision on another screen. */
  async decide(toolCallId, approved) {
    const response = await fetch(`${this.baseUrl}/run/api/tool-approvals`, {
      method: 'POST',
      headers: { ...this.headers, 'content-type': 'application/json' },
      body: JSON.stringify({ conversationId: this.id, toolCallId, approved }),
    });
    if (!response.ok) throw new Error(`tool-approvals: ${response.status} ${await response.text()}`);
  }

  seen(chat) {
    const { status, error, finish } = chat;
    return { messages: structuredClone(chat.messages), status, error: error?.message ?? null, finish };
  }

  async fetch(url, init) {
    const sent = init.body ? JSON.parse(init.body) : {};
    const last = sent.messages?.at(-1)?.role;
    const request = { method: init.method, path: new URL(url).pathname, trigger: sent.trigger, messageId: sent.messageId, last };
    this.requests.push(request);
    const response = await fetch(url, init);
    request.status = response.status;
    for (const name of ['content-type', 'x-turn-id', 'x-conversation-id', 'x-vercel-ai-ui-message-stream']) {
      request[name] = response.headers.get(name);
    }
    return response;
  }
}

/** The ChatState of `useChat` without React: it replaces by a copy, so that a reader never sees a message change. */
class State {
  status = 'ready';
  error = undefined;

  constructor(messages, changed) {
    this.messages = messages;
    this.changed = changed;
  }

  pushMessage = (message) => {
    this.messages = [...this.messages, message];
    this.changed(message);
  };

  popMessage = () => {
    this.messages = this.messages.slice(0, -1);
  };

  replaceMessage = (index, message) => {
    this.messages = this.messages.with(index, this.snapshot(message));
    this.changed(message);
  };

  snapshot = (value) => structuredClone(value);
}
