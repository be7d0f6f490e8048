import { createRoot } from 'react-dom/client';
import { InkeepEmbeddedChat } from '@inkeep/agents-ui';
import { Widget } from 'docs/Widget.jsx';

// The documented widget as it stands, or one that is told no more than it must be. The conversation that it shows is in the page's address.
const { api, apiKey, id, bare } = Object.fromEntries(new URLSearchParams(location.search));
window.votes = [];

function keep(conversation) {
  const url = new URL(location.href);
  url.searchParams.set('id', conversation);
  window.history.replaceState(null, '', url);
}

createRoot(document.getElementById('root')).render(
  bare ? (
    <InkeepEmbeddedChat baseSettings={{ getAuthToken: async () => apiKey }} aiChatSettings={{ baseUrl: api, appId: 'app' }} />
  ) : (
    <Widget
      {...{ api, apiKey }}
      conversationId={id || undefined}
      onConversation={keep}
      onVote={(vote) => window.votes.push(vote)}
    />
  ),
);
