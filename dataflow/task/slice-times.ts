/** How a task spends its time: in slices, or held back by full outputs between them. */
export class SliceTimes {
  busyMs = 0;
  backPressuredMs = 0;
  #startedAt = 0;
  #pressedSince: number | undefined;

  begin(now: number): void {
    this.#startedAt = now;
    if (this.#pressedSince !== undefined) this.backPressuredMs += now - this.#pressedSince;
    this.#pressedSince = undefined;
  }

  end(now: number, isOutputFull: boolean): void {
    this.busyMs += now - this.#startedAt;
    if (isOutputFull) this.#pressedSince = now;
  }
}
