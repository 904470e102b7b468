// What is typed wrongly into the start form is refused, in words that say what to type.
import assert from 'node:assert/strict';

export default async function (ui) {
  await ui.startForm('typo', 'Deploy');
  await ui.type(ui.input(), '{"environment": ');
  await ui.page.getByText('Input must be valid JSON').waitFor();
  assert(await ui.startButton().isDisabled(), 'malformed JSON can be sent');
  await ui.shot('input-malformed');

  await ui.start({ enviroment: 'quickstart' });
  await ui.shows(/unknown field "enviroment".*\{\\?"environment\\?": \\?"dev/s);
  await ui.shot('input-unknown-field');

  await ui.startForm('typo', 'Deploy');
  await ui.start({ environment: 'quickstrat' });
  await ui.shows(/did you mean quickstart\?/);
  await ui.board();
  await ui.details(/did you mean quickstart\?/);
  await ui.shot('input-unknown-environment');
}
