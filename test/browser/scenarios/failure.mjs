// A deployment fails and is undone: why, and what to do, is on its pages without an event being opened.
import assert from 'node:assert/strict';

export default async function (ui) {
  const apim = { configurations: { userStore: { type: '$ref{nothing.here}' } } };
  await ui.startForm('environment/quickstart', 'Deploy');
  await ui.start({ environment: 'quickstart', overrides: { apiManager: { values: { wso2: { apim } } } } });
  await ui.board();
  const board = await ui.details(/deploy of quickstart: ended \(rolled-back\)/);
  assert.match(board, /nothing\.here/);
  assert.match(board, /all that this run did is undone/);
  await ui.shot('failure-board');
  await ui.tab('History');
  await ui.shows(/nothing\.here/);
  await ui.shot('failure-result');
}
