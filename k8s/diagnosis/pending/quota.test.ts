import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quotaSentence } from './quota.ts';

const USED_UP =
  'exceeded quota: team, requested: count/jobs.batch=1, used: count/jobs.batch=9, limited: count/jobs.batch=9';

test('a refused Job and a refused pod are spoken of alike', () => {
  const ofJob = quotaSentence(`jobs.batch "lamina-x" is forbidden: ${USED_UP}`);
  assert.equal(ofJob, quotaSentence(`Error creating: pods "lamina-x-0" is forbidden: ${USED_UP}`));
  assert.match(ofJob, /^The namespace's quota "team" is used up: the trial asks for count\/jobs\.batch=1, /);
});

test('what has another form is quoted', () => {
  const said = quotaSentence('jobs.batch "x" is forbidden: exceeded quota: team');
  assert.equal(said, 'A quota of the namespace refuses the trial: jobs.batch "x" is forbidden: exceeded quota: team');
});
