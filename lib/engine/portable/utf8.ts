/** Strict UTF-8 (Unicode 16, table 3-7): no overlong forms, no surrogates, nothing past U+10FFFF, and for keys no NUL. */

/** Whether `bytes[from .. to)` is valid UTF-8 without a NUL. */
export function isCleanUtf8(bytes: Uint8Array, from: number, to: number): boolean {
  let i = from
  while (i < to) {
    const lead = bytes[i]
    i += 1
    if (lead < 0x80) {
      if (lead === 0) return false
      continue
    }
    let more: number
    let low = 0x80
    let high = 0xbf
    if (lead >= 0xc2 && lead <= 0xdf) {
      more = 1
    } else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2
      if (lead === 0xe0) low = 0xa0
      if (lead === 0xed) high = 0x9f
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3
      if (lead === 0xf0) low = 0x90
      if (lead === 0xf4) high = 0x8f
    } else {
      return false
    }
    if (i + more > to) return false
    if (bytes[i] < low || bytes[i] > high) return false
    for (let k = 1; k < more; k += 1) {
      if ((bytes[i + k] & 0xc0) !== 0x80) return false
    }
    i += more
  }
  return true
}
