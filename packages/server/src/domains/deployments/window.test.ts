import assert from 'node:assert/strict'
import { test } from 'node:test'
import { day, Fault, minute } from '@holdfast/kernel'
import fc from 'fast-check'
import { decideWindow, type MaintenanceWindow, verifyWindows, type Weekday } from './window.ts'

const everyDay: readonly Weekday[] = [1, 2, 3, 4, 5, 6, 7]
const at = (text: string) => Date.parse(text)
const clock = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))

function aWindow(from: string, to: string, days = everyDay, zone = 'UTC'): MaintenanceWindow {
  return { days, from: clock(from), to: clock(to), zone }
}

/** The rule said differently: what does the wall clock show, by another formatter than the one under test. */
function isOpenByWallClock(windows: readonly MaintenanceWindow[], zone: string, now: number): boolean {
  const [weekday = '', time = ''] = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
    .format(now)
    .split(/[ ,]+/)
  const today = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(weekday) + 1
  const yesterday = today === 1 ? 7 : today - 1
  const minutes = clock(time)
  return windows.some(({ days, from, to }) => {
    const opensToday = (days as readonly number[]).includes(today)
    const openedYesterday = (days as readonly number[]).includes(yesterday)
    if (to > from) return opensToday && minutes >= from && minutes < to
    return (opensToday && minutes >= from) || (openedYesterday && minutes < to)
  })
}

const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia', 'UTC']
const anyWindow: fc.Arbitrary<MaintenanceWindow> = fc.record({
  days: fc.uniqueArray(fc.constantFrom(...everyDay), { minLength: 1 }),
  from: fc.integer({ min: 0, max: 1_439 }),
  to: fc.integer({ min: 0, max: 1_439 }),
  zone: fc.constant('UTC'),
})
/** Minutes around every change of the clocks of 2026, where mistakes live. */
const anyMinute = fc
  .tuple(
    fc.constantFrom(
      '2026-03-29T01:00Z',
      '2026-10-25T01:00Z',
      '2026-03-08T07:00Z',
      '2026-11-01T06:00Z',
      '2026-04-04T15:00Z',
      '2026-10-03T15:30Z',
      '2026-07-01T00:00Z',
    ),
    fc.integer({ min: -3_000, max: 3_000 }),
  )
  .map(([text, minutes]) => at(text) + minutes * minute)

test('a window is open exactly when the wall clock of its zone says so', () => {
  fc.assert(
    fc.property(
      fc.array(anyWindow, { minLength: 1, maxLength: 3 }),
      fc.constantFrom(...zones),
      anyMinute,
      (windows, zone, now) => {
        assert.equal(decideWindow(windows, zone, now).open, isOpenByWallClock(windows, zone, now))
      },
    ),
    { numRuns: 400 },
  )
})

test('the announced change is the first minute at which the answer is different', () => {
  fc.assert(
    fc.property(
      fc.array(anyWindow, { minLength: 1, maxLength: 3 }),
      fc.constantFrom(...zones),
      anyMinute,
      (windows, zone, now) => {
        const verdict = decideWindow(windows, zone, now)
        const change = verdict.open ? verdict.until : verdict.opensAt
        const end = change ?? now + 9 * day
        assert.ok(end > now)
        if (change !== undefined) assert.notEqual(isOpenByWallClock(windows, zone, change), verdict.open)
        for (let probe = now; probe < end; probe += 7 * minute) {
          assert.equal(isOpenByWallClock(windows, zone, probe), verdict.open, new Date(probe).toISOString())
        }
        assert.equal(isOpenByWallClock(windows, zone, end - minute), verdict.open)
      },
    ),
    { numRuns: 25 },
  )
})

test('a time that summer time skips never comes, and one that recurs in autumn counts twice', () => {
  const window = [aWindow('02:15', '02:45')]
  assert.deepEqual(decideWindow(window, 'Europe/Berlin', at('2026-03-28T02:00Z')), {
    open: false,
    opensAt: at('2026-03-30T00:15Z'),
  })
  const first = decideWindow(window, 'Europe/Berlin', at('2026-10-25T00:20Z'))
  assert.deepEqual(first, { open: true, until: at('2026-10-25T00:45Z') })
  assert.deepEqual(decideWindow(window, 'Europe/Berlin', at('2026-10-25T00:45Z')), {
    open: false,
    opensAt: at('2026-10-25T01:15Z'),
  })
})

test('a night window belongs to the day on which it opens', () => {
  const fridayNight = [aWindow('22:00', '04:00', [5])]
  assert.equal(decideWindow(fridayNight, 'UTC', at('2026-11-28T03:59Z')).open, true, 'Saturday morning')
  assert.equal(decideWindow(fridayNight, 'UTC', at('2026-11-27T03:59Z')).open, false, 'Friday morning')
})

test('the zone of the device counts, and that of the window when the device names none or nonsense', () => {
  const now = at('2026-11-22T03:00Z')
  const open = (window: MaintenanceWindow, zone?: string) => decideWindow([window], zone, now).open
  assert.equal(open(aWindow('12:00', '13:00'), 'Asia/Tokyo'), true)
  assert.equal(open(aWindow('12:00', '13:00')), false)
  assert.equal(open(aWindow('12:00', '13:00', everyDay, 'Asia/Tokyo')), true)
  assert.equal(open(aWindow('03:00', '04:00'), 'Not/A_Zone'), true)
})

test('windows of several zones that follow on each other are open without a break', () => {
  const windows = [aWindow('10:00', '11:00', everyDay, 'UTC'), aWindow('12:00', '13:00', everyDay, 'Europe/Berlin')]
  const now = at('2026-11-22T10:30Z')
  assert.deepEqual(decideWindow(windows, undefined, now), { open: true, until: now + 90 * minute })
  assert.deepEqual(decideWindow([aWindow('00:00', '00:00')], undefined, now), { open: true })
})

test('a window without days, beyond the day or in an unknown zone is refused', () => {
  assert.throws(() => verifyWindows([aWindow('01:00', '02:00', [])]), Fault)
  assert.throws(() => verifyWindows([{ days: everyDay, from: 0, to: 1_440, zone: 'UTC' }]), Fault)
  assert.throws(() => verifyWindows([aWindow('01:00', '02:00', everyDay, 'Mars/Olympus')]), Fault)
  verifyWindows([aWindow('23:00', '02:00', everyDay, 'Europe/Berlin')])
})
