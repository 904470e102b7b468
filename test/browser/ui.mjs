// The Temporal UI as an operator uses it.
import { chromium } from 'playwright-core';
import path from 'node:path';

export class UI {
  constructor(browser, page, options) {
    Object.assign(this, options, { browser, page, waited: '' });
  }

  // open starts the browser. Of the options, address is the UI's, shots the folder of screenshots, and patience how many milliseconds
  // to wait for anything.
  static async open(options) {
    const browser = await chromium.launch({
      executablePath: options.chromium,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
    const page = await browser.newPage({ viewport: { width: 1500, height: 1200 } });
    page.setDefaultTimeout(options.patience);
    return new UI(browser, page, options);
  }

  close() { return this.browser.close(); }

  async shot(name) {
    await this.page.screenshot({ path: path.join(this.shots, `${name}.png`), fullPage: true });
  }

  // startForm opens the form by a link that fills in all but the input.
  async startForm(workflowId, workflowType) {
    const query = new URLSearchParams({ workflowId, taskQueue: this.taskQueue, workflowType });
    await this.page.goto(`${this.#at('workflows', 'start-workflow')}?${query}`);
    await this.page.getByText('Task Queue is Active').waitFor();
  }

  // input is what is typed into the form, or was filled in.
  input() { return this.page.locator('.cm-content').first(); }

  startButton() { return this.page.getByTestId('start-workflow-button'); }

  // decodeBy has the UI ask a codec server, in this browser, and send it the cookies that it set.
  async decodeBy(codec) {
    await this.page.goto(this.address);
    await this.page.evaluate(endpoint => {
      localStorage.setItem('endpoint', JSON.stringify(endpoint));
      for (const yes of ['includeCredentials', 'overrideRemoteCodecConfiguration']) localStorage.setItem(yes, 'true');
    }, codec);
  }

  // login gives the codec server a token.
  async login(codec, token) {
    await this.page.goto(`${codec}/login`);
    await this.page.getByLabel('Token').fill(token);
    await this.page.getByRole('button', { name: 'Log in' }).click();
    await this.page.getByText('Logged in until').waitFor();
  }

  // logout forgets what a browser forgets when it is closed.
  logout() { return this.page.context().clearCookies(); }

  // start starts what the form says with an input, and follows the link to the workflow.
  async start(input) {
    await this.type(this.input(), JSON.stringify(input));
    await this.startButton().click();
    await this.page.getByRole('link', { name: 'Workflow started successfully' }).click();
    await this.page.waitForURL(/\/history/);
  }

  // type writes into an editor, which then lays the JSON out anew: what is below it moves.
  async type(editor, text) {
    await editor.fill(text);
    await editor.blur();
  }

  // workflow goes to the newest run of a workflow, by a link without the run's id.
  async workflow(id) {
    await this.page.goto(this.#at('workflows', encodeURIComponent(id)));
    await this.page.waitForURL(/\/history/);
  }

  async tab(name) {
    await this.page.getByRole('tab', { name }).or(this.page.getByRole('link', { name })).first().click();
  }

  // board opens the tab that shows the current details.
  async board() {
    await this.tab('User Metadata');
    await this.page.waitForURL(/user-metadata/);
  }

  // details waits until the current details match, and returns them, with a space for all between words. They are only read anew when R
  // is pressed, as the page says.
  async details(pattern) {
    let text = '';
    await this.until(`current details match ${pattern}`, async () => {
      await this.page.keyboard.press('r');
      text = await this.#rendered().locator('body').innerText({ timeout: 2_000 }).catch(() => '');
      text = text.replace(/\s+/g, ' ');
      this.waited = text;
      return pattern.test(text);
    });
    return text;
  }

  // summary waits until the static summary of the workflow matches.
  async summary(pattern) {
    const shown = this.page.frameLocator('iframe[title=output]').first().locator('body');
    await this.until(`the summary matches ${pattern}`, async () => pattern.test(this.waited = await shown.innerText({ timeout: 2_000 }).catch(() => '')));
  }

  // follow clicks on a link in the current details, which opens in a tab of its own.
  async follow(name) {
    const opened = this.page.context().waitForEvent('page', { timeout: this.patience });
    await this.#rendered().getByRole('link', { name }).click();
    this.page = await opened;
    this.page.setDefaultTimeout(this.patience);
  }

  // update sends an Update from the page of a workflow. What the UI answers is in the returned dialog, or a toast.
  async update(name, input) {
    await this.page.getByRole('button', { name: 'More Actions' }).click();
    await this.page.getByRole('menuitem', { name: 'Send an Update' }).click();
    const dialog = this.page.getByTestId('update-confirmation-modal').filter({ visible: true });
    await dialog.getByTestId('update-select-button').click();
    await dialog.getByRole('option', { name }).click();
    await this.type(dialog.locator('.cm-content'), JSON.stringify(input));
    await this.shot(`update-${name}`);
    await dialog.getByTestId('confirm-modal-button').click();
    return dialog;
  }

  // accepted waits until the UI says that an Update has done what it should.
  async accepted() { await this.page.getByText('Update successful').waitFor(); }

  // text is all that the page shows outside of the current details.
  text() { return this.page.locator('main').innerText(); }

  // shows waits until the page shows what matches.
  async shows(pattern) {
    await this.until(`the page shows ${pattern}`, async () => pattern.test(this.waited = await this.text()));
  }

  async until(what, holds) {
    const end = Date.now() + this.patience;
    while (!await holds()) {
      if (Date.now() > end) throw new Error(`not within ${this.patience / 1000} s: ${what}; the last was:\n${this.waited}`);
      await new Promise(done => setTimeout(done, 300));
    }
  }

  #at(...parts) { return [this.address, 'namespaces', this.namespace, ...parts].join('/'); }

  // The page renders Markdown in frames: the summary's first, if there is one, and the current details' last.
  #rendered() { return this.page.frameLocator('iframe[title=output]').last(); }
}
