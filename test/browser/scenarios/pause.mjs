// A step fails and the deployment waits: what failed and what can be done is on the board, and others are told who is at work.
import assert from 'node:assert/strict';

export default async function (ui) {
  await ui.startForm('environment/quickstart', 'Deploy');
  await ui.start({ environment: 'quickstart', overrides: { onFailure: 'pause' } });
  await ui.board();
  const board = await ui.details(/verify waits until \S+ for a decision/);
  assert.match(board, /verify failed:/);
  for (const update of ['retry-step', 'skip-step', 'rollback']) assert.match(board, new RegExp(`Update ${update}: {`));
  await ui.shot('pause-board');

  const refusal = await ui.update('approve', { step: 'verify', by: 'oncall', reason: 'why not' });
  await refusal.getByText('no step awaits its approval').waitFor();
  await ui.shot('pause-refused');

  await ui.startForm('impatient', 'Deploy');
  await ui.start({ environment: 'quickstart' });
  await ui.shows(/environment \\?"quickstart\\?" is busy/);
  await ui.shot('pause-busy');
}
