/** What `JSON.parse` does not tell: that an object names a member twice, of which it keeps the last. */

/**
 * The first name that stands twice in one object of a JSON text that `JSON.parse` has accepted; undefined when there is none.
 * Two readers could take different values of such a member, and both believe a checksum.
 */
export function duplicateMember(json: string): string | undefined {
  const open: Set<string>[] = []
  const token = /"(?:[^"\\]|\\.)*"|[{}]/gs
  for (let match = token.exec(json); match !== null; match = token.exec(json)) {
    const text = match[0]
    if (text === '{') open.push(new Set())
    else if (text === '}') open.pop()
    else if (isMemberName(json, token.lastIndex)) {
      const name: unknown = JSON.parse(text)
      const names = open.at(-1)
      if (names === undefined || typeof name !== 'string') continue
      if (names.has(name)) return name
      names.add(name)
    }
  }
  return undefined
}

function isMemberName(json: string, end: number): boolean {
  let i = end
  while (json[i] === ' ' || json[i] === '\t' || json[i] === '\n' || json[i] === '\r') i++
  return json[i] === ':'
}
