// pages.mjs — /docs and /redoc in a real browser: node pages.mjs URL EMAIL PASSWORD FOLDER
//
// Logs in through Authorize, calls a route that needs it, reads its answer off the page. Fails when a page asks for anything outside the server.
import { chromium } from 'playwright-core';

const [base, email, password, folder] = process.argv.slice(2);
const outside = [];
const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
        '--disable-sync'],
});

async function open(path) {
    const page = await browser.newPage({ viewport: { width: 1200, height: 1400 } });
    page.on('response', (answer) => { // not what the page's own policy stops
        const url = answer.url();
        if (!url.startsWith(base) && !url.startsWith('data:') && !url.startsWith('blob:')) outside.push(url);
    });
    page.on('requestfailed', (request) => {
        if (!request.failure().errorText.includes('csp')) outside.push(`${request.url()} (${request.failure().errorText})`);
    });
    await page.goto(base + path, { waitUntil: 'load' });
    return page;
}

async function tryDocs() {
    const page = await open('/docs');
    await page.locator('button.authorize').first().click();
    await page.locator('#oauth_username').fill(email);
    await page.locator('#oauth_password').fill(password);
    await page.locator('.modal-ux button.authorize').first().click();
    await page.locator('.modal-ux').getByText('Authorized', { exact: true }).waitFor();
    await page.locator('.modal-ux .btn-done').click();
    const route = page.locator('.opblock', { has: page.locator('[data-path="/v1/users/me"]') });
    await route.locator('.opblock-summary').click();
    await route.getByRole('button', { name: 'Try it out' }).click();
    await route.getByRole('button', { name: 'Execute' }).click();
    const answer = route.locator('.live-responses-table .response');
    await answer.first().waitFor();
    const text = await answer.first().innerText();
    await page.screenshot({ path: `${folder}/docs.png` });
    if (!text.includes('200') || !text.includes(email)) throw new Error(`/v1/users/me answered on the page: ${text}`);
    await tryUpload(page);
}

// A file is chosen, not typed.
async function tryUpload(page) {
    const route = page.locator('.opblock-post', { has: page.locator('[data-path="/v1/files"]') });
    await route.locator('.opblock-summary').click();
    await route.getByRole('button', { name: 'Try it out' }).click();
    await route.locator('input[type=file]').setInputFiles({ name: 'letter.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') });
    await route.getByRole('button', { name: 'Execute' }).click();
    const answer = route.locator('.live-responses-table .response');
    await answer.first().waitFor();
    const text = await answer.first().innerText();
    if (!text.includes('201') || !text.includes('letter.txt')) throw new Error(`an upload answered on the page: ${text}`);
}

async function tryRedoc() {
    const page = await open('/redoc');
    await page.getByRole('heading', { name: 'Create an account' }).first().waitFor();
    await page.screenshot({ path: `${folder}/redoc.png` });
}

try {
    await tryDocs();
    await tryRedoc();
    if (outside.length) throw new Error(`asked for what is not ours: ${outside.join(' ')}`);
} finally {
    await browser.close();
}
