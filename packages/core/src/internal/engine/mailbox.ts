/**
 * What is to be done with one call, one thing after another, in plain code: nearly all of it is done at once, and a fiber for
 * each would cost more than the thing itself.
 */

/** Something to be done while nothing else is. It says when it is done, at once or later. */
export type Job = (done: () => void) => void

/** Does one job at a time, in the order of coming. */
export class Mailbox {
  private isBusy = false
  private waiting: Array<Job> | undefined

  /** Does a job now, or when those before are done. */
  post(job: Job): void {
    if (this.isBusy) {
      this.waiting ??= []
      this.waiting.push(job)
      return
    }
    this.isBusy = true
    this.work(job)
  }

  /** Those that are done at once follow in a loop, so that a long line needs no deep stack. */
  private work(first: Job | undefined): void {
    for (let job = first; job !== undefined; job = this.waiting?.shift()) {
      if (!this.isDoneAtOnce(job)) return
    }
    this.isBusy = false
  }

  private isDoneAtOnce(job: Job): boolean {
    let isDone = false
    let isLeft = false
    job(() => {
      isDone = true
      if (isLeft) this.work(this.waiting?.shift())
    })
    isLeft = !isDone
    return isDone
  }
}
