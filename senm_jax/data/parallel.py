"""Work on images in threads (decoders release Python's lock), within a bound of memory."""

import collections
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from typing import TypeVar

import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")

PIXELS_IN_FLIGHT = 2**27
"""Images are started while all under way have fewer pixels than this (some 800 MB decoded); a
larger one is worked on alone."""


def ordered(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    cost: Callable[[Item], int],
    label: str,
) -> Iterator[Result]:
    """``function(item)`` of each item, in order, behind a progress bar called ``label``.

    ``cost`` is an item's number of pixels. No result is held beyond twice the number of cores.
    """
    items = list(items)
    workers = os.cpu_count() or 1
    waiting: collections.deque[tuple[futures.Future, int]] = collections.deque()
    spent = 0
    pool = futures.ThreadPoolExecutor(workers)
    bar = tqdm.tqdm(total=len(items), desc=label, unit="image")
    try:
        for item in items:
            price = cost(item)
            while waiting and (
                spent + price > PIXELS_IN_FLIGHT or len(waiting) >= 2 * workers
            ):
                future, paid = waiting.popleft()
                yield future.result()
                bar.update()
                spent -= paid
            waiting.append((pool.submit(function, item), price))
            spent += price
        while waiting:
            yield waiting.popleft()[0].result()
            bar.update()
    finally:
        bar.close()
        pool.shutdown(cancel_futures=True)
