import { follow } from 'docs/follow.js';

// The documented reader as it stands; what it was told is kept for whoever looks.
const { api, tickets } = Object.fromEntries(new URLSearchParams(location.search));
window.parts = [];
window.tickets = 0;
const ticket = async () => {
  window.tickets += 1;
  return (await (await fetch(tickets)).json()).url;
};
follow(api, ticket, (part, id) => window.parts.push({ ...part, event: id })).then(
  (end) => (window.end = end.type),
  (error) => (window.end = String(error)),
);
