/** Columns of text on a terminal, where a Chinese character is as wide as two letters. */

/** What a terminal shows two columns wide (Unicode's East Asian Width, W and F), emoji included. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
/** What takes no column of its own: accents, joiners, variation selectors. */
const NARROW = /[\p{Mn}\p{Me}\p{Cf}]/u
const CONTROL = /\p{Cc}/gu

/** How many columns of a terminal a text takes. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of text) {
    if (WIDE.test(character)) width += 2
    else if (!NARROW.test(character)) width += 1
  }
  return width
}

/** The reader's own words, made safe to show: a control character could move the cursor or change colours. */
export function shown(text: string): string {
  return text.replace(CONTROL, '\ufffd')
}

/** Rows whose cells stand below each other, two spaces apart: the first column to the left, the others to the right. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, displayWidth(cell))
  }
  return rows
    .map((row) => {
      const cells = row.map((cell, i) => {
        const space = ' '.repeat(widths[i] - displayWidth(cell))
        return i === 0 ? cell + space : space + cell
      })
      return `  ${cells.join('  ')}`.trimEnd()
    })
    .map((line) => `${line}\n`)
    .join('')
}
