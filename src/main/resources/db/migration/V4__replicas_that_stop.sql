-- Whoever stops is handed no turns, and knows from this whether others stop, too.
alter table replica add column leaving boolean not null default false;
