// Plays a scenario: node main.mjs <scenario> '{"address": …}'. It fails with what it waited for, and a screenshot.
import { UI } from './ui.mjs';

const [name, options] = process.argv.slice(2);
const { default: scenario } = await import(`./scenarios/${name}.mjs`);
const ui = await UI.open(JSON.parse(options));
try {
  await scenario(ui);
} catch (failure) {
  console.error(failure);
  await ui.shot(`${name}-failed`);
  process.exitCode = 1;
} finally {
  await ui.close();
}
