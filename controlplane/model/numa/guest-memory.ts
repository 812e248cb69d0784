/** Page size and locking of a virtual machine's memory: `hw:mem_page_size`, `hw:locked_memory`. Nova. Pure. */
import { invalid } from '../../../proto/wire/errors.js';
import { specField } from './guest-policies.js';
import { imageField, type NumaImage } from './numa-image.js';
import { readInteger } from '../python-text.js';
import { bytesOf, isTrue } from './oslo-text.js';

type Specs = Readonly<Record<string, string>>;

/** Nova's numbers for page sizes that a word names. */
export const smallPages = -1;
export const largePages = -2;
export const anyPages = -3;

const words: Readonly<Record<string, number>> = { any: anyPages, large: largePages, small: smallPages };

/** KiB, perhaps with a fraction, or one of Nova's numbers. */
function read(text: string, field: string): number {
  const word = Object.hasOwn(words, text) ? words[text] : undefined;
  const number = /^\p{Nd}+$/u.test(text) ? readInteger(text) : undefined;
  const size = word ?? number ?? (bytesOf(text) ?? Number.NaN) / 1024;
  if (Number.isNaN(size)) throw invalid(field, text, 'small, large, any, or a size such as 2048, 2MB, 1GB');
  return size;
}

/** The page size asked for, null for none: an image may choose where the flavor says large or any, and nowhere else. */
export function pageSizeOf(specs: Specs, image: NumaImage): number | null {
  const [field, imagesField] = [specField('hw:mem_page_size'), imageField('hw_mem_page_size')];
  const [ofFlavor, ofImage] = [specs['hw:mem_page_size'], image.pageSize];
  if (!ofFlavor) {
    if (ofImage) throw invalid(imagesField, ofImage, 'none without hw:mem_page_size of the flavor');
    return null;
  }
  const size = read(ofFlavor, field);
  if (!ofImage) return size;
  if (size === anyPages || size === largePages) return read(ofImage, imagesField);
  throw invalid(imagesField, ofImage, `none, as the flavor says ${ofFlavor}`);
}

/** Errors: `invalid-argument` for locked memory without a page size, and where flavor and image differ. */
export function checkLockedMemory(specs: Specs, image: NumaImage): void {
  const text = specs['hw:locked_memory'];
  const ofFlavor = text === undefined ? undefined : isTrue(text);
  if (ofFlavor !== undefined && image.lockedMemory !== undefined && ofFlavor !== image.lockedMemory)
    throw invalid(imageField('hw_locked_memory'), image.lockedMemory, `${ofFlavor}, as the flavor says`);
  if ((ofFlavor ?? image.lockedMemory) && !specs['hw:mem_page_size'] && !image.pageSize)
    throw invalid(specField('hw:locked_memory'), text ?? 'true', 'hw:mem_page_size with it');
}
