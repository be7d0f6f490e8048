import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { bundle, modules } from './bundle.mjs';
import { script } from './common.mjs';
import { PATIENCE_MS, Service, until, Wire } from './service.mjs';
import { widgets } from './widget.mjs';

const page = (name) => fileURLToPath(new URL(`./page/${name}`, import.meta.url));
/** Where the `ai` of each `@ai-sdk/react` is. */
const versions = {
  6: { react: 'use-chat-6', ai: join(modules, 'use-chat-6/node_modules/ai') },
  7: { react: 'use-chat-7', ai: join(modules, 'ai') },
};
const whole = Array.from({ length: 40 }, (_, i) => `word${i}`).join(' ');

/** The pages, on an origin of their own; and where a page asks its own server for a token. */
async function pages(docs, tickets) {
  const scripts = {
    '/stream.js': await bundle(page('stream.js'), docs),
    '/widget.js': await bundle(page('widget.jsx'), docs),
  };
  for (const [version, { react, ai }] of Object.entries(versions)) {
    scripts[`/chat-${version}.js`] = await bundle(page('chat.jsx'), docs, { '@ai-sdk/react': react, ai });
  }
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    if (url.pathname === '/ticket') {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(await tickets(url.searchParams)));
    } else if (scripts[url.pathname]) {
      response.setHeader('content-type', 'text/javascript; charset=utf-8').end(scripts[url.pathname]);
    } else if (url.pathname === '/favicon.ico') {
      response.writeHead(204).end();
    } else {
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end(`<!doctype html><title>test</title><div id="root"></div><script type="module" src="${url.pathname}.js"></script>`);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://localhost:${server.address().port}`;
}

/** One tab with the documented chat in it, as its user sees it. */
class Tab {
  complaints = [];

  static async open(world, { id = `browser-${randomUUID()}`, fresh = true, api = world.service.url } = {}) {
    const tab = new Tab();
    world.tabs.push(tab);
    tab.id = id;
    tab.page = await world.context.newPage();
    tab.page.setDefaultTimeout(PATIENCE_MS);
    tab.page.on('console', (message) => message.type() === 'error' && tab.complaints.push(message.text()));
    tab.page.on('pageerror', (error) => tab.complaints.push(String(error)));
    const asked = new URLSearchParams({ api, apiKey: world.service.key, id, ...(fresh && { fresh: 1 }) });
    const resumed = tab.resumed();
    await tab.page.goto(`${world.origin}/chat-${world.version}?${asked}`);
    tab.resumedWith = (await resumed).status();
    return tab;
  }

  /** Each load asks whether there is something to take up. */
  resumed() {
    return this.page.waitForResponse((response) => new URL(response.url()).pathname.endsWith(`/${this.id}/stream`));
  }

  async reload() {
    const resumed = this.resumed();
    await this.page.reload();
    await resumed;
  }

  async send(text) {
    await this.page.fill('input[name=text]', text);
    await this.click('Send');
  }

  click(name) {
    return this.page.getByRole('button', { name, exact: true }).click();
  }

  async reads(text) {
    await this.page.locator('li.assistant', { hasText: text }).last().waitFor();
  }

  async ready() {
    await this.page.locator('output', { hasText: /^ready$/ }).waitFor();
  }

  /** An answer to so many questions, and nothing more to come. */
  async answered(questions) {
    await this.page.waitForFunction(
      (n) =>
        document.querySelectorAll('li').length === 2 * n &&
        document.querySelector('li:last-child').className === 'assistant' &&
        document.querySelector('output').textContent !== 'submitted' &&
        document.querySelector('output').textContent !== 'streaming',
      questions,
    );
  }

  async seen() {
    const shown = await this.page.evaluate(() => ({
      messages: [...document.querySelectorAll('li')].map((li) => ({
        id: li.id,
        role: li.className,
        text: [...li.querySelectorAll('span')].map((span) => span.textContent).join(''),
        tools: [...li.querySelectorAll('legend')].map((legend) => legend.textContent),
      })),
      status: document.querySelector('output').textContent,
      error: document.querySelector('[role=alert]')?.textContent ?? null,
    }));
    return { ...shown, complaints: this.complaints };
  }
}

const chats = {
  async newChat(world) {
    const tab = await Tab.open(world);
    await tab.ready();
    const atFirst = await tab.seen();
    await tab.send('echo one two');
    await tab.answered(1);
    return { resumedWith: tab.resumedWith, atFirst, ...(await tab.seen()), stored: await world.service.stored(tab.id) };
  },

  async stopThenSend(world) {
    const tab = await Tab.open(world);
    await tab.send('slow 1000');
    await tab.reads('word1');
    await tab.click('Stop');
    await tab.ready();
    await tab.send('echo after');
    await tab.reads('after');
    await tab.answered(2);
    return tab.seen();
  },

  async reloadInMidAnswer(world) {
    const tab = await Tab.open(world);
    await tab.send('slow 250');
    await tab.reads('word3');
    await tab.reload();
    await tab.reads('word39');
    await tab.answered(1);
    return { ...(await tab.seen()), stored: await world.service.stored(tab.id) };
  },

  /** What ended between the history and the stream is not lost. */
  async reloadAfterTheAnswer(world) {
    const tab = await Tab.open(world);
    await tab.send('echo one two');
    await tab.answered(1);
    await tab.reload();
    await tab.answered(1);
    return { ...(await tab.seen()), stored: await world.service.stored(tab.id) };
  },

  async approveAfterReload(world) {
    const tab = await Tab.open(world);
    await tab.send('use tool delete_file');
    await tab.page.getByRole('button', { name: 'Approve' }).waitFor();
    await tab.reload();
    await tab.click('Approve');
    await tab.page.locator('legend', { hasText: 'output-available' }).waitFor();
    await tab.answered(1);
    return { ...(await tab.seen()), stored: await world.service.stored(tab.id) };
  },

  async dropAndReturnAfterTheEnd(world) {
    const wire = await Wire.to(world.service.url);
    const tab = await Tab.open(world, { api: wire.url });
    await tab.send('slow 400');
    await tab.reads('word3');
    wire.cut();
    await world.service.ended(tab.id);
    const meanwhile = await tab.seen();
    wire.mend();
    await tab.reads('word39');
    await tab.answered(1);
    return { meanwhile, ...(await tab.seen()), stored: await world.service.stored(tab.id) };
  },

  async regenerate(world) {
    const tab = await Tab.open(world);
    await tab.send('echo one two');
    await tab.answered(1);
    const first = (await tab.seen()).messages[1].id;
    await tab.click('Again');
    await tab.page.waitForFunction((id) => document.querySelector('li.assistant') && !document.getElementById(id), first);
    await tab.answered(1);
    return { ...(await tab.seen()), stored: await world.service.stored(tab.id) };
  },

  async twoTabs(world) {
    const one = await Tab.open(world);
    await one.send('slow 250');
    await one.reads('word3');
    const two = await Tab.open(world, { id: one.id, fresh: false });
    await Promise.all([one, two].map((tab) => tab.reads('word39').then(() => tab.answered(1))));
    const seen = await one.seen();
    await two.send('echo two');
    await two.answered(2);
    return { ...seen, other: await two.seen(), stored: await world.service.stored(one.id) };
  },
};

/** The documented EventSource, whose tokens come from the page's own server. Its turn waits until it is approved. */
class Reading {
  static async begin(world, expiresIn) {
    const reading = new Reading();
    const conversation = `browser-${randomUUID()}`;
    const turn = await world.service.begin(conversation, 'use tool delete_file');
    const wire = await Wire.to(world.service.url);
    const page = await world.context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const complaints = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    const tickets = `/ticket?${new URLSearchParams({ conversation, turn, ...(expiresIn && { expiresIn }) })}`;
    await page.goto(`${world.origin}/stream?${new URLSearchParams({ api: wire.url, tickets })}`);
    return Object.assign(reading, { conversation, wire, page, complaints });
  }

  has(type) {
    return this.page.waitForFunction((wanted) => window.parts.some((part) => part.type === wanted), type);
  }

  async seen() {
    await this.page.waitForFunction(() => window.end);
    const { parts, end, tickets } = await this.page.evaluate(() => ({ parts: window.parts, end: window.end, tickets: window.tickets }));
    const text = parts.map((part) => (part.type === 'text-delta' ? part.delta : '')).join('');
    return { events: parts.map((part) => part.event), text, end, tickets, connections: this.wire.connections, complaints: this.complaints };
  }
}

const streams = {
  async overADrop(world) {
    const reading = await Reading.begin(world);
    await reading.has('tool-approval-request');
    reading.wire.cut();
    reading.wire.mend();
    // It comes back by itself, and is back before anything is said.
    await until('another connection', () => reading.wire.connections > 1);
    await world.service.approve(reading.conversation);
    return { ...(await reading.seen()), stored: await world.service.stored(reading.conversation) };
  },

  /** The token is not good any more when the reader comes back, and the turn is over. */
  async overAnExpiry(world) {
    const seconds = 3;
    const reading = await Reading.begin(world, seconds);
    await reading.has('tool-approval-request');
    const expired = Date.now() + seconds * 1000;
    reading.wire.cut();
    await world.service.approve(reading.conversation);
    await world.service.ended(reading.conversation);
    await until('the expiry', () => Date.now() > expired);
    reading.wire.mend();
    return { ...(await reading.seen()), stored: await world.service.stored(reading.conversation) };
  },
};

/** Runs all at once, each for itself: they mostly wait. What goes wrong in one is told in its place. */
async function all(world, scenarios) {
  const results = Object.entries(scenarios).map(async ([name, run]) => {
    const own = { ...world, tabs: [] };
    try {
      return [name, await run(own)];
    } catch (error) {
      return [name, { failed: String(error?.stack ?? error), complaints: own.tabs.map((tab) => tab.complaints) }];
    }
  });
  return Object.fromEntries(await Promise.all(results));
}

const options = { chromium: { type: 'string', default: '/usr/bin/chromium' } };
await script('browser.mjs BASEURL KEY DOCS [--chromium PATH]', 3, options, async ([baseUrl, key, docs], { chromium: executablePath }) => {
  const service = new Service(baseUrl.replace(/\/$/, ''), key);
  await service.ask('/run/v1/conversations');
  const { ticket } = await import(pathToFileURL(join(docs, 'ticket.mjs')));
  const origin = await pages(docs, (asked) =>
    ticket({
      api: service.url,
      apiKey: key,
      conversation: asked.get('conversation'),
      turn: asked.get('turn') ?? undefined,
      expiresIn: asked.has('expiresIn') ? Number(asked.get('expiresIn')) : undefined,
    }),
  );
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  try {
    const results = { whole };
    const worlds = Object.keys(versions).map(async (version) => ({ version, origin, service, context: await browser.newContext() }));
    const [six, seven] = await Promise.all(worlds);
    const [chat6, chat7, stream, widget] = await Promise.all([all(six, chats), all(seven, chats), all(six, streams), all(seven, widgets)]);
    return Object.assign(results, { 'ai 6': chat6, 'ai 7': chat7, stream, widget });
  } finally {
    await browser.close();
  }
});
