// A deployment is started from the form under an id of the operator's own, approved, and watched to its end.
import assert from 'node:assert/strict';

export default async function (ui) {
  await ui.startForm('release-42', 'Deploy');
  await ui.start({ environment: 'quickstart', overrides: { approvals: ['api-manager'] } });
  await ui.board();
  await ui.details(/done by the child workflow environment\/quickstart/);
  await ui.shot('deploy-parent');
  await ui.follow('environment/quickstart');

  await ui.page.getByRole('heading', { name: 'environment/quickstart' }).waitFor();
  await ui.details(/preflight\s+(running|done)/);
  await ui.shot('deploy-begun');
  const waiting = await ui.details(/api-manager waits until \S+ for its approval/);
  assert.match(waiting, /deploy of quickstart: awaiting-approval/);
  await ui.summary(/Deploy of quickstart/);
  await ui.shot('deploy-awaiting-approval');

  await ui.update('approve', { step: 'api-manager', by: 'oncall', reason: 'tested in staging' });
  await ui.accepted();
  const ended = await ui.details(/deploy of quickstart: ended \(done\)/);
  assert.match(ended, /approve\s+api-manager\s+oncall\s+\S+\s+tested in staging/);
  await ui.shot('deploy-done');

  await ui.tab('History');
  await ui.shows(/"gatewayUrl"|"gatewayURL"/);
  await ui.shows(/prove that it works/);
  await ui.shot('deploy-result');
  await ui.tab('Search Attributes');
  await ui.shows(/"Outcome": "done"/);
  await ui.shot('deploy-attributes');

  await ui.startForm('environment/quickstart', 'Deploy');
  await ui.until('the form is filled with the last input', async () => /quickstart/.test(await ui.input().innerText()));
  await ui.shot('deploy-again');
}
