// With payloads encrypted, who logged in at the codec server reads, starts and decides as ever, and who did not can do none of it.
import assert from 'node:assert/strict';

export default async function (ui) {
  const base = `wso2/wso2is:${ui.plain}`;
  const input = { environment: 'quickstart', overrides: { onFailure: 'pause', image: { base } } };
  const plain = new RegExp(ui.plain);
  await ui.decodeBy(ui.codec);
  await ui.startForm('release-43', 'Deploy');
  await ui.type(ui.input(), JSON.stringify(input));
  await ui.startButton().click();
  await ui.page.getByText('Could not encode input').waitFor();
  await ui.shot('codec-start-refused');

  await ui.login(ui.codec, ui.token);
  await ui.startForm('release-43', 'Deploy');
  await ui.start(input);
  await ui.board();
  await ui.details(/done by the child workflow environment\/quickstart/);
  await ui.follow('environment/quickstart');
  assert.match(await ui.details(/preflight waits until \S+ for a decision/), plain);
  await ui.summary(/Deploy of quickstart/);
  await ui.shows(/check what the file cannot tell/); // the summary of an activity
  await ui.shot('codec-board');

  await ui.update('rollback', { by: 'oncall', reason: 'there is no such image' });
  await ui.accepted();
  assert.match(await ui.details(/deploy of quickstart: ended/), /rollback\s+oncall\s+\S+\s+there is no such image/);
  await ui.tab('History');
  await ui.shows(new RegExp(`"base": "${base}"`));
  await ui.shows(/"message": "step preflight failed: .*there is no such image/);
  await ui.shot('codec-result');

  await ui.logout();
  await ui.workflow('environment/quickstart');
  await ui.shows(/YmluYXJ5L2VuY3J5cHRlZA==.*YmluYXJ5L2VuY3J5cHRlZA==/s); // binary/encrypted: the input, and the failure
  assert.doesNotMatch(await ui.text(), plain);
  await ui.shot('codec-logged-out');
  await ui.board();
  await ui.shows(/Decoding failed/);
  await ui.details(/^No Current Details$/);
  assert.doesNotMatch(await ui.text(), /check what the file cannot tell/);
  await ui.shot('codec-board-logged-out');
}
