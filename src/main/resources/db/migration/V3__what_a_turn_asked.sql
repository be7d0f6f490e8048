-- What a turn asked beside its message, while it runs: request fields, and those HTTP headers that its upstream passes on, as JSON.
-- Whoever takes the turn over can send its message again, and its decisions as they would have been sent. Text: json types refuse
-- what a caller may write. The turn's end clears it.
alter table turn add column request text;
