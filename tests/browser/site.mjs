// A person on the site: looks whether all is well, signs in with a password and through the OpenID provider, ends a
// session, tries a call in the API reference, signs out. What they see is kept at a phone's and a desktop's width, and
// looked at by axe-core.

import assert from 'node:assert/strict'
import { ORIGIN, cookies, person, signInAtProvider, tools } from './browser.mjs'
import { readFileSync } from 'node:fs'

const AXE = readFileSync(tools.resolve('axe-core/axe.min.js'), 'utf8')
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } }
/** What a page may weigh, in bytes as they are sent, without the API reference's library. */
const BUDGET = 150_000

/** Notes what a page loads, and what its policy forbids. */
function watch(page) {
  const seen = { bytes: 0, complaints: [] }
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) seen.complaints.push(message.text())
  })
  page.on('pageerror', (error) => seen.complaints.push(String(error)))
  page.on('response', async (answer) => {
    const url = new URL(answer.url())
    if (url.protocol === 'data:') return
    if (url.origin !== ORIGIN && !url.href.startsWith(process.env.PROVIDER)) seen.complaints.push(`loads ${url}`)
    if (/^\/assets\/swagger-ui|^\/openapi\.json/.test(url.pathname)) return
    const sizes = await answer.request().sizes().catch(() => null)
    seen.bytes += sizes ? sizes.responseBodySize + sizes.responseHeadersSize : 0
  })
  return seen
}

/** Takes the page's picture in every size and in the dark, and asserts that it fits and that axe-core objects to nothing serious. */
async function look(page, picture, what) {
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport)
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
      await picture(`${what}-${size}-${scheme}`)
      const width = await page.evaluate(() => document.documentElement.scrollWidth)
      assert.ok(width <= viewport.width, `${what} is ${width} wide on a ${size}`)
    }
    await page.evaluate(AXE)
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
    const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
    const told = serious.flatMap(({ id, help, nodes }) => nodes.map(({ target, any }) => `${id}: ${help}: ${target} ${any[0]?.message ?? ''}`))
    assert.deepEqual(told, [], `axe-core about ${what} in the ${scheme}`)
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: null })
}

const heading = (page, name) => page.getByRole('heading', { name, exact: true }).waitFor()
const notice = (page) => page.locator('.notice:visible').innerText()

async function signInWithPassword(page, password) {
  await page.getByLabel('E-mail address').fill('ada@example.com')
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

await person('site', async ({ page, context, picture }) => {
  const seen = watch(page)
  const fresh = async (path) => {
    seen.bytes = 0
    await page.goto(`${ORIGIN}${path}`)
    await page.waitForLoadState('networkidle')
    assert.ok(seen.bytes > 1_000 && seen.bytes < BUDGET, `${path} weighs ${seen.bytes} bytes`)
    console.log(`${path} weighs ${seen.bytes} bytes`)
  }

  // The start page knows how the services are.
  await fresh('/')
  await page.getByText('Version').nth(2).waitFor()
  assert.equal(await page.locator('.badge', { hasText: /^Well$/ }).count(), 3)
  assert.ok((await page.locator('#commands').innerText()).includes(`CRM=${ORIGIN}`))
  await look(page, picture, 'start')

  // A wrong password is told in words; the right one, by keyboard alone, opens.
  await fresh('/signin')
  await page.getByRole('link', { name: 'Continue with Google' }).waitFor()
  await look(page, picture, 'signin')
  await page.getByRole('button', { name: 'Sign in' }).click()
  assert.match(await notice(page), /enter your e-mail address/)
  await signInWithPassword(page, 'not my password')
  await page.getByText('do not belong together').waitFor()
  await look(page, picture, 'wrong-password')
  await page.reload()
  await page.locator('#email:focus').waitFor()
  await page.keyboard.type('ada@example.com')
  await page.keyboard.press('Tab')
  await page.keyboard.type(process.env.PASSWORD)
  await page.keyboard.press('Enter')
  await heading(page, 'ada@example.com')
  for (const cookie of Object.values(await cookies(context))) assert.ok(cookie.httpOnly && cookie.secure, cookie.name)
  assert.equal((await cookies(context))['__Host-refresh'].sameSite, 'Strict')
  assert.equal(await page.evaluate(() => JSON.stringify([document.cookie, localStorage, sessionStorage])), '["",{},{}]')
  await page.reload()
  await heading(page, 'ada@example.com')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByText('You are signed out').waitFor()
  assert.equal((await cookies(context))['__Host-refresh'], undefined)
  await picture('signed-out')

  // Through the provider; then there are two sessions, of which the other one can be ended.
  const post = (path, body) => page.evaluate(async ([path, body]) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: answer.status, ...await answer.json() }
  }, [path, body])
  const { refresh_token } = await post('/login', { email: 'ada@example.com', password: process.env.PASSWORD })
  await page.getByRole('link', { name: 'Continue with Google' }).click()
  await signInAtProvider(page, 'ada', picture)
  await heading(page, 'ada@example.com')
  assert.equal(page.url(), `${ORIGIN}/signin`, 'no code, no state, no error stays in the address')
  await page.getByText('Linked: you can sign in with it').waitFor()
  await look(page, picture, 'account')
  const sessions = page.locator('#sessions li')
  const before = await sessions.count()
  assert.ok(before >= 2)
  await sessions.getByRole('button', { name: /^End/ }).first().click()
  await page.getByText('has ended').waitFor()
  assert.equal(await sessions.count(), before - 1)
  assert.equal((await post('/token', { refresh_token })).status, 401)

  // A call in the reference goes out as whoever is signed in.
  await fresh('/docs')
  await page.getByText('What you try here is really done').waitFor()
  await page.locator('.opblock-summary').first().waitFor()
  await look(page, picture, 'docs')
  const operation = page.locator('.opblock', { has: page.locator('[data-path="/me"]') }).filter({ has: page.getByText('GET', { exact: true }) })
  await operation.locator('.opblock-summary-control').click()
  await operation.getByRole('button', { name: 'Try it out' }).click()
  await operation.getByRole('button', { name: 'Execute' }).click()
  await operation.locator('.live-responses-table').getByText('ada@example.com').waitFor()
  assert.equal(await operation.locator('.live-responses-table .response-col_status').last().innerText().then(parseFloat), 200)
  await operation.scrollIntoViewIfNeeded()
  await look(page, picture, 'tried')
  // Fields of every kind: chosen, typed, sent as a file. Nothing in the document leads nowhere.
  for (const path of ['/customers', '/customers/{id}/photo']) {
    const block = page.locator('.opblock', { has: page.locator(`[data-path="${path}"]`) }).first()
    await block.locator('.opblock-summary-control').click()
    await block.getByRole('button', { name: 'Try it out' }).click()
  }
  await look(page, picture, 'fields')
  assert.equal(await page.locator('.errors-wrapper').count(), 0, await page.locator('.errors-wrapper').allInnerTexts().then(String))

  // Signed out, the reference says so.
  await page.goto(`${ORIGIN}/signin`)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByText('You are signed out').waitFor()
  await page.goto(`${ORIGIN}/docs`)
  await page.getByText('to try calls from this page').waitFor()

  // Every code with which a browser comes back is told in words of its own.
  for (const code of process.env.CODES.split(' ')) {
    await page.goto(`${ORIGIN}/signin?error=${code}`)
    await page.locator('.notice:visible').waitFor()
    const words = await notice(page)
    assert.ok(words.length > 20 && !words.includes(code), `${code}: ${words}`)
    assert.equal(page.url(), `${ORIGIN}/signin`)
  }
  await picture('refused')
  await page.goto(`${ORIGIN}/signin?linked=%3Cb%3E`)
  await page.getByLabel('E-mail address').waitFor()
  assert.equal(await page.locator('.notice:visible').count(), 0)
  await page.goto(`${ORIGIN}/signin?error=%3Cimg%20src=x%20onerror=alert(1)%3E&linked=%3Cb%3E`)
  assert.equal(await notice(page), 'That did not work (unknown). Please try again.', 'it shows nothing that a stranger wrote into the address')
  assert.deepEqual(seen.complaints, [])
})
