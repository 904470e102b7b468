// A paused step is tried again from the UI, once what it failed at is mended.
export default async function (ui) {
  await ui.workflow('environment/quickstart');
  await ui.board();
  await ui.details(/verify waits until/);
  await ui.update('retry-step', { step: 'verify', by: 'oncall', reason: 'the publisher is mended' });
  await ui.accepted();
  await ui.details(/deploy of quickstart: ended \(done\)/);
  await ui.shot('retry-done');
}
