// What people read of errors, providers, devices and times.

const PROVIDERS = { google: 'Google', facebook: 'Facebook' }

/** What a table has under a name; a name may come from an address, and be any text. */
const known = (table, name) => Object.hasOwn(table, name) ? table[name] : undefined

/** A provider's name as people know it. */
export const providerName = (name) => known(PROVIDERS, name) ?? name

/** Whether there is a picture of its sign, `/assets/NAME.svg`. */
export const hasSign = (name) => Object.hasOwn(PROVIDERS, name)

/** What each problem of signing in and linking means, and what to do: docs/oauth.md and docs/site have the same codes. */
const ERRORS = {
  email_not_verified: 'That account does not vouch for your e-mail address. Sign in with your password, then link the account here.',
  identity_taken: 'That account is linked to somebody else here, or you have linked another one of the same provider. Unlink that one first.',
  invalid_credentials: 'This e-mail address and password do not belong together.',
  invalid_state: 'That sign-in took too long, or was begun in another browser. Please begin again.',
  last_way_in: 'This is your only way to sign in. Have an administrator set a password first.',
  not_registered: 'Nobody is registered here with that account. If you have a password here, sign in with it and link the account; otherwise ask an administrator to register you.',
  provider_denied: 'The sign-in was cancelled, or took too long. Begin again whenever you like.',
  provider_error: 'The provider does not answer as it should. Nothing is wrong with your account: try again in a minute, or use your password.',
  unauthenticated: 'Your session had ended before that was done. Sign in and try again.',
  too_many_attempts: 'Too many attempts.',
  unavailable: 'The CRM cannot reach its database just now. Please try again in a moment.',
  unknown_provider: 'That provider is not set up here any more. Choose another way.',
}

/** What fields are called on the page. */
const FIELDS = {
  current_password: 'The password that you gave as yours',
  email: 'The e-mail address',
  new_password: 'The new password',
  password: 'The password',
}

/** An error in words. What is not known is named, so that it can be told to somebody who knows. */
export function inWords({ code, fields = [], retryAfter, message }) {
  if (code === undefined) return 'There is no connection to the CRM. Check your network and try again.'
  if (fields.length) return fields.map(({ field, message }) => `${message.replace(`\`${field}\``, known(FIELDS, field) ?? field)}.`).join(' ')
  const words = known(ERRORS, code) ?? `That did not work (${code}). ${message ?? 'Please try again.'}`
  return retryAfter ? `${words} Try again in ${wait(retryAfter)}.` : words
}

function wait(seconds) {
  if (seconds < 90) return `${seconds} seconds`
  const minutes = Math.ceil(seconds / 60)
  return minutes < 90 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`
}

const BROWSERS = [['Edg/', 'Edge'], ['OPR/', 'Opera'], ['SamsungBrowser', 'Samsung Internet'], ['Firefox/', 'Firefox'], ['FxiOS', 'Firefox'], ['CriOS', 'Chrome'], ['HeadlessChrome', 'Chrome'], ['Chrome/', 'Chrome'], ['Safari/', 'Safari'], ['curl/', 'curl']]
const SYSTEMS = [['iPhone', 'an iPhone'], ['iPad', 'an iPad'], ['Android', 'Android'], ['Windows', 'Windows'], ['Mac OS X', 'a Mac'], ['CrOS', 'ChromeOS'], ['Linux', 'Linux']]

/** A browser and its system, by a `User-Agent`. */
export function device(agent) {
  if (!agent) return 'An unknown program'
  const named = (table) => table.find(([mark]) => agent.includes(mark))?.[1]
  const [browser, system] = [named(BROWSERS), named(SYSTEMS)]
  if (!browser) return agent.split(/[\s/(]/)[0] || 'An unknown program'
  return system ? `${browser} on ${system}` : browser
}

const STEPS = [['day', 86_400], ['hour', 3_600], ['minute', 60]]
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium' })

/** How long ago a time was; a date when that is more than a week. */
export function ago(time) {
  const seconds = (new Date(time) - Date.now()) / 1_000
  if (seconds < -7 * 86_400) return `on ${day.format(new Date(time))}`
  const step = STEPS.find(([, size]) => -seconds >= size)
  return step ? relative.format(Math.round(seconds / step[1]), step[0]) : 'just now'
}
