// A person with a browser: headless Chromium in a fresh profile that trusts the product's authority and reaches
// nothing but this machine.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'

export const tools = createRequire(`${process.env.BROWSER_TOOLS}/package.json`)
const { chromium } = tools('playwright-core')

/// The product's public address, and its authority's certificate.
export const { ORIGIN, AUTHORITY } = process.env
const PICTURES = process.env.TEST_ARTEFACTS || mkdtempSync(`${tmpdir()}/crm-pictures-`)

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1',
]

/** Runs what a person does; its argument is the page, the browser's context, and a function that takes a picture. */
export async function person(name, does) {
  const home = mkdtempSync(`${tmpdir()}/crm-browser-`)
  trust(`${home}/.pki/nssdb`)
  mkdirSync(PICTURES, { recursive: true })
  const context = await chromium.launchPersistentContext(`${home}/profile`, {
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: FLAGS,
    env: { ...process.env, HOME: home },
    viewport: { width: 900, height: 700 },
  })
  context.setDefaultTimeout(30_000)
  const page = context.pages()[0]
  let number = 0
  const picture = async (what) => {
    number += 1
    await page.screenshot({ path: `${PICTURES}/${name}-${number}-${what}.png` })
  }
  try {
    await does({ page, context, picture })
  } catch (error) {
    console.error(`at ${page.url()}:\n${await page.innerText('body').catch(() => '')}`)
    await picture('failure').catch(() => {})
    throw error
  } finally {
    await context.close()
    rmSync(home, { recursive: true, force: true })
  }
}

/** Makes the browser's own store of certificates, with the product's authority in it. */
function trust(store) {
  mkdirSync(store, { recursive: true })
  execFileSync('certutil', ['-N', '-d', `sql:${store}`, '--empty-password'])
  execFileSync('certutil', ['-A', '-d', `sql:${store}`, '-t', 'C,,', '-n', 'crm', '-i', AUTHORITY])
}

/** Opens the product's start page, and clicks on a link there. */
export async function click(page, path) {
  await page.goto(`${ORIGIN}/`)
  await page.evaluate((path) => {
    const link = document.createElement('a')
    link.href = path
    link.textContent = 'Sign in with a provider'
    document.body.prepend(link)
  }, path)
  await page.getByText('Sign in with a provider').click()
}

/** Signs in at the OpenID provider: its login page, then its page that asks for consent, which it asks for once. */
export async function signInAtProvider(page, login, picture, { asked = true } = {}) {
  await page.getByPlaceholder('Enter any login').fill(login)
  await page.getByPlaceholder('and password').fill('any password')
  await picture('login')
  await page.getByRole('button', { name: 'Sign-in' }).click()
  if (!asked) return
  await page.getByRole('button', { name: 'Continue' }).waitFor()
  await picture('consent')
  await page.getByRole('button', { name: 'Continue' }).click()
}

/** The cookies of the product, by name. */
export async function cookies(context) {
  const all = await context.cookies(ORIGIN)
  return Object.fromEntries(all.map((cookie) => [cookie.name, cookie]))
}

/** What a page of the product can do once somebody is signed in: get an access token, and ask who they are. */
export async function whoAmI(page) {
  await page.goto(`${ORIGIN}/.well-known/jwks.json`)
  return page.evaluate(async () => {
    const tokens = await fetch('/token', { method: 'POST' })
    if (tokens.status !== 200) return { refused: tokens.status, ...await tokens.json() }
    const { access_token, refresh_token } = await tokens.json()
    const me = await fetch('/me', { headers: { authorization: `Bearer ${access_token}` } })
    return { seen: document.cookie, refresh_token, access_token, ...await me.json() }
  })
}

/** Asserts that the browser holds the refresh cookie, exactly as it should be, and no cookie of a flow. */
export async function assertSignedIn(context, page, email) {
  const { '__Host-refresh': refresh, ...others } = await cookies(context)
  // By the other a browser is known in which a password was right: docs/decisions/0011-sign-in-limits.md.
  const flows = Object.keys(others).filter((name) => !name.startsWith('__Host-device-'))
  assert.deepEqual(flows, [], 'no cookie of a flow is left')
  assert.ok(refresh.value.length > 40)
  const { domain, path, secure, httpOnly, sameSite } = refresh
  assert.deepEqual(
    { domain, path, secure, httpOnly, sameSite },
    { domain: 'localhost', path: '/', secure: true, httpOnly: true, sameSite: 'Strict' },
  )
  const me = await whoAmI(page)
  assert.equal(me.email, email, JSON.stringify(me))
  assert.equal(me.seen, '', 'no script sees a cookie')
  assert.equal(me.refresh_token, undefined, 'no script sees the refresh token')
  return me
}
