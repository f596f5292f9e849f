// A reporter for node's test runner that only counts, as JSON: { pass, fail, skip, failures }.
export default async function* tally(source) {
  const count = { pass: 0, fail: 0, skip: 0, failures: [] }
  for await (const { type, data } of source) {
    if ((type !== 'test:pass' && type !== 'test:fail') || data.details?.type === 'suite') continue
    if (data.skip !== undefined || data.todo !== undefined) count.skip += 1
    else if (type === 'test:pass') count.pass += 1
    else {
      count.fail += 1
      count.failures.push(`${data.file ?? ''}: ${data.name}`)
    }
  }
  yield JSON.stringify(count)
}
