import { join } from 'node:path';
import { bundle } from './bundle.mjs';
import { script } from './common.mjs';
import { Service, Wire } from './service.mjs';

const usage = 'fetch-event-source.mjs BASEURL KEY DOCS CONVERSATION TEXT --break-after N [--until-ended]';
const options = { 'break-after': { type: 'string' }, 'until-ended': { type: 'boolean', default: false } };

// The documented `ask` as it stands, cut off once: after so many parts, or with 0 before it is told anything. What it was given, and what it asked.
await script(usage, 5, options, async ([baseUrl, key, docs, conversationId, text], values) => {
  const service = new Service(baseUrl.replace(/\/$/, ''), key);
  const wire = await Wire.to(service.url);
  const breakAfter = Number(values['break-after']);
  const { ask } = await loadAsInABrowser(join(docs, 'ask.js'), docs);
  const requests = recorded();
  const parts = [];

  async function breakOff() {
    if (breakAfter > 0) wire.cut();
    if (values['until-ended']) await service.ended(conversationId);
    wire.cut();
    wire.isMute = false;
    wire.mend();
  }

  const onPart = (part, id) => {
    parts.push({ ...part, event: id });
    if (parts.length === breakAfter) breaking = breakOff();
  };
  let breaking = null;
  wire.isMute = breakAfter === 0;
  const asked = ask({ api: wire.url, apiKey: key, conversationId, text, onPart });
  if (breakAfter === 0) breaking = service.begun(conversationId).then(breakOff);
  const end = await asked;
  await breaking;
  const told = parts.map((part) => (part.type === 'text-delta' ? part.delta : '')).join('');
  return { events: parts.map((part) => part.event), text: told, end: end.type, requests, stored: await service.stored(conversationId) };
});

/** What the package wants of a browser: it asks whether the page is hidden. */
async function loadAsInABrowser(entry, docs) {
  globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
  globalThis.window = globalThis;
  return import(`data:text/javascript,${encodeURIComponent(await bundle(entry, docs))}`);
}

/** The requests that are made by `fetch` from now on for a turn; those that nobody answered have no status. */
function recorded() {
  const requests = [];
  const real = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    if (init?.method !== 'POST') return real(input, init);
    const request = { lastEventId: init.headers['last-event-id'] ?? null, status: null, turn: null };
    requests.push(request);
    const response = await real(input, init);
    Object.assign(request, { status: response.status, turn: response.headers.get('x-turn-id') });
    return response;
  };
  return requests;
}
