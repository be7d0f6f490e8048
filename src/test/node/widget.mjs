import { randomUUID } from 'node:crypto';
import { PATIENCE_MS, until, Wire } from './service.mjs';

/** One tab with Inkeep's widget in it, as its user sees it. */
class Widget {
  complaints = [];
  /** What it asked the service for, and the status of the answer. */
  requests = [];

  static async open(world, { bare = false, api = world.service.url } = {}) {
    const widget = new Widget();
    world.tabs.push(widget);
    widget.page = await world.context.newPage();
    widget.page.setDefaultTimeout(PATIENCE_MS);
    widget.page.on('console', (message) => message.type() === 'error' && widget.complaints.push(message.text()));
    widget.page.on('pageerror', (error) => widget.complaints.push(String(error)));
    widget.page.on('response', (response) => {
      const { origin, pathname } = new URL(response.url());
      const method = response.request().method();
      if (origin === new URL(api).origin && method !== 'OPTIONS') widget.requests.push(`${method} ${pathname} ${response.status()}`);
    });
    // It loads a font from elsewhere.
    await widget.page.route(/^https:/, (route) => route.fulfill({ status: 200, body: '' }));
    const asked = new URLSearchParams({ api, apiKey: world.service.key, ...(bare && { bare: 1 }) });
    await widget.page.goto(`${world.origin}/widget?${asked}`);
    await widget.input.waitFor();
    return widget;
  }

  get input() {
    return this.part('input');
  }

  get id() {
    return new URL(this.page.url()).searchParams.get('id');
  }

  async send(text) {
    await this.input.fill(text);
    await this.input.press('Enter');
  }

  part(name) {
    return this.page.locator(`[data-part="ai-chat-${name}"]`);
  }

  async reads(text) {
    await this.part('message-part').filter({ hasText: text }).last().waitFor();
  }

  /** Under an answer that is whole there are its buttons. */
  async answered(questions) {
    await this.page.getByLabel('Upvote Message').nth(questions - 1).waitFor();
  }

  async seen() {
    const messages = await this.part('message-wrapper').evaluateAll((wrappers) =>
      wrappers.map((wrapper) => {
        const parts = [...wrapper.querySelectorAll('[data-part="ai-chat-message-part"]')];
        const text = parts.filter((part) => part.dataset.type === 'text').map((part) => part.innerText);
        const tools = parts.filter((part) => part.dataset.type.startsWith('tool-')).map((part) => part.querySelector('button').innerText);
        return { role: wrapper.dataset.role, text: text.join(''), tools };
      }),
    );
    // The first is its own: how can it help?
    messages.shift();
    return {
      messages,
      troubled: (await this.input.isDisabled()) || (await this.part('input__notification').count()) > 0,
      complaints: this.complaints,
      requests: this.requests,
    };
  }
}

export const widgets = {
  async asksAndIsReloaded(world) {
    const widget = await Widget.open(world);
    await widget.send('echo one two');
    await widget.answered(1);
    await widget.send('echo three four');
    await widget.answered(2);
    const atFirst = await widget.seen();
    await widget.page.reload();
    await widget.answered(2);
    return { atFirst, ...(await widget.seen()), stored: await world.service.stored(widget.id) };
  },

  /** It takes no stream up; what it was not told is there the next time. */
  async isReloadedInMidAnswer(world) {
    const widget = await Widget.open(world);
    await widget.send('slow 900');
    await widget.reads('word3');
    await widget.page.reload();
    await widget.reads('This session was interrupted');
    const meanwhile = await widget.seen();
    await world.service.ended(widget.id);
    await widget.page.reload();
    await widget.reads('word39');
    await widget.answered(1);
    return { meanwhile, ...(await widget.seen()), stored: await world.service.stored(widget.id) };
  },

  async isCutOffAndReloadedAfterTheEnd(world) {
    const wire = await Wire.to(world.service.url);
    const widget = await Widget.open(world, { api: wire.url });
    await widget.send('slow 250');
    await widget.reads('word3');
    wire.cut();
    await widget.reads('having some issues');
    await world.service.ended(widget.id);
    wire.mend();
    await widget.page.reload();
    await widget.reads('word39');
    await widget.answered(1);
    return { ...(await widget.seen()), stored: await world.service.stored(widget.id) };
  },

  async stopsAndSendsAgain(world) {
    const widget = await Widget.open(world);
    await widget.send('slow 1000');
    await widget.reads('word1');
    await widget.page.getByRole('button', { name: 'Stop' }).click();
    await widget.answered(1);
    await widget.send('echo after');
    await widget.answered(2);
    return { ...(await widget.seen()), stored: await world.service.stored(widget.id) };
  },

  async approvesAndIsReloaded(world) {
    const widget = await Widget.open(world);
    await widget.send('use tool delete_file');
    await widget.page.getByRole('button', { name: 'Approve', exact: true }).click();
    await widget.reads('Tool said');
    await widget.answered(1);
    const atFirst = await widget.seen();
    await widget.page.reload();
    await widget.answered(1);
    return { atFirst, ...(await widget.seen()), stored: await world.service.stored(widget.id) };
  },

  async votes(world) {
    const widget = await Widget.open(world);
    await widget.send('echo one two');
    await widget.answered(1);
    await widget.page.getByLabel('Upvote Message').click();
    await widget.page.waitForFunction(() => window.votes.length > 0);
    return { ...(await widget.seen()), votes: await widget.page.evaluate(() => window.votes), stored: await world.service.stored(widget.id) };
  },

  /** As it is without our advice: with its history, and with votes and events that the service has no place for. */
  async opensAConversationOfItsHistory(world) {
    const id = `widget-${randomUUID()}`;
    await world.service.begin(id, 'echo one two');
    await world.service.ended(id);
    await world.service.ask(`/run/v1/conversations/${id}`, { method: 'PATCH', body: JSON.stringify({ title: id }) });
    const widget = await Widget.open(world, { bare: true });
    await widget.part('history__item').filter({ hasText: id }).click();
    await widget.answered(1);
    await widget.send('echo three four');
    await widget.answered(2);
    await widget.page.getByLabel('Upvote Message').last().click();
    await until('the vote', () => widget.requests.some((request) => request.includes('/feedback')));
    return { ...(await widget.seen()), stored: await world.service.stored(id) };
  },
};
