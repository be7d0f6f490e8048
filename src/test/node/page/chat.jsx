import { createRoot } from 'react-dom/client';
import { Conversation } from 'docs/Conversation.jsx';
import { history } from 'docs/history.js';

// The documented app as it stands; where it calls, and which chat it shows, is in the page's address.
const { api, apiKey, id, fresh } = Object.fromEntries(new URLSearchParams(location.search));
const messages = fresh ? [] : await history({ api, apiKey, id });
// A reload is of a chat that was begun.
window.history.replaceState(null, '', location.href.replace('&fresh=1', ''));
createRoot(document.getElementById('root')).render(<Conversation {...{ api, apiKey, id, messages }} />);
