/** Frames that nobody here can take, and those that could not be sent: counted, and told to the log ever more rarely, like dead letters. */
import type { ChannelId } from '../../core/ids.js';
import type { Logger } from '../../core/ports.js';

export class FrameFaults {
  /** Of channels that are not open here. */
  unknown = 0;
  /** What came was no frame. */
  malformed = 0;
  /** Lost: the sequence check and the beats notice it. */
  unsent = 0;
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** After a failover late frames are usual. */
  addUnknown(channelId: ChannelId): void {
    this.unknown += 1;
    if (isTold(this.unknown))
      this.#logger.log('info', 'a frame for a channel that is not open here was dropped', { count: this.unknown, channelId });
  }

  addMalformed(bytes: number): void {
    this.malformed += 1;
    if (isTold(this.malformed))
      this.#logger.log('warn', 'what came on the data subject is no frame: it was dropped', { count: this.malformed, bytes });
  }

  addUnsent(error: unknown): void {
    this.unsent += 1;
    if (isTold(this.unsent)) this.#logger.log('warn', 'a frame could not be sent', { count: this.unsent, error: String(error) });
  }
}

/** The first, the second, the fourth, the eighth, … */
const isTold = (count: number): boolean => (count & (count - 1)) === 0;
