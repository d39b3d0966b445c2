/** A Signal tells whoever listens that something changed. */
export class Signal<T = void> {
  private slots = new Set<(value: T) => void>();

  /** Call `slot` from now on; the function that comes back ends it. */
  connect(slot: (value: T) => void): () => void {
    this.slots.add(slot);
    return () => this.slots.delete(slot);
  }

  emit(value: T): void {
    for (const slot of [...this.slots]) {
      slot(value);
    }
  }
}
