using Bulkhead.Core.Memory;
using Bulkhead.Translator.Decode;
using Bulkhead.Translator.State;

namespace Bulkhead.Translator.Cache;

/// <content>
/// What keeps code true to memory. One rule: between "this page holds code" and the first byte read from it, no vCPU may
/// still be able to store to the page without asking.
/// <para>A vCPU's <c>InGuest</c> is odd while it runs translated code. To turn a page into code: set its flag; clear every
/// write tag for it; wait for each vCPU that was in the guest to leave once (a store it had already checked is then done).
/// A vCPU that fills a write tag, or hands a host address to translated code, looks at the flag again after it has made
/// <c>InGuest</c> odd, and turns back if it is set. Either it sees the flag, or the translator sees it in the guest.</para>
/// <para>A store to a code page first kills the page's ids: their code TLB slots are cleared everywhere, every vCPU is
/// kicked and drops its jump cache and return stack at its next look; until then it may run old code, as hardware may.</para>
/// <para>A page whose code was dropped again and again holds data beside code. From then on it is known which of its bytes were read
/// for translation, and a store to others is performed where it was refused and drops nothing. Bytes change first and are looked up
/// under the lock then, and translation reads under the lock: either it sees the new bytes, or it is dropped.</para>
/// </content>
internal sealed unsafe partial class CodeSpace : IMemoryObserver
{
    /// <summary>After so many drops it is noted what a page's code was read from.</summary>
    private const byte MostDrops = 8;

    private TranslatorVcpu[] _vcpus = [];
    private int _generation;

    /// <summary>Changes when all code was dropped.</summary>
    internal int Generation => Volatile.Read(ref _generation);

    /// <summary>Whether vCPUs may run this code at the same time. Those that count instructions take turns on one thread.</summary>
    internal bool Shared { get; private set; }

    /// <summary>Adds a vCPU.</summary>
    internal void Join(TranslatorVcpu vcpu)
    {
        lock (Lock)
        {
            _vcpus = [.. _vcpus, vcpu];
            Shared = _vcpus.Length > 1 && !_options.CountInstructions;
        }
    }

    /// <summary>How many vCPUs joined.</summary>
    internal int VcpuCount => _vcpus.Length;

    /// <inheritdoc/>
    void IMemoryObserver.OnWritten(Gpa address, ulong length)
    {
        Interlocked.MemoryBarrier();
        ulong end = address.Value + length;
        for (ulong page = address.Value & ~0xFFFul; page < end; page += 4096)
        {
            int ramPage = Memory.PageNumber(new Gpa(page));
            if (ramPage >= 0 && Volatile.Read(ref IsCode(ramPage)) != 0)
            {
                ulong first = Math.Max(address.Value, page);
                DropCode(ramPage, (int)(first - page), (int)(Math.Min(end, page + 4096) - first));
            }
        }
    }

    /// <inheritdoc/>
    void IMemoryObserver.OnMoved()
    {
        foreach (TranslatorVcpu vcpu in Volatile.Read(ref _vcpus))
        {
            vcpu.RequestFlush();
        }

        Interlocked.MemoryBarrier();
        foreach (TranslatorVcpu vcpu in Volatile.Read(ref _vcpus))
        {
            vcpu.AwaitOutOfGuest(); // whoever asked is out of it, if it is one of them
        }
    }

    /// <summary>Whether a store to these bytes of a code page leaves its code true.</summary>
    internal bool IsBesideCode(int ramPage, int offset, int length)
    {
        if (Volatile.Read(ref Drops(ramPage)) < MostDrops)
        {
            return false;
        }

        lock (Lock)
        {
            return !HasRead(ramPage, offset, length);
        }
    }

    /// <summary>Drops the code that came from bytes that changed.</summary>
    private void DropCode(int ramPage, int offset, int length)
    {
        if (!IsBesideCode(ramPage, offset, length))
        {
            DropPage(ramPage);
        }
    }

    private bool HasRead(int ramPage, int offset, int length)
    {
        Span<ulong> read = _read[ramPage].Words;
        for (int i = offset; i < offset + length; i++)
        {
            if (((read[i >> 6] >> (i & 63)) & 1) != 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Where it is noted which bytes of a page were read; nowhere (null) for most pages.</summary>
    private ulong* ReadOf(int ramPage)
    {
        if (Drops(ramPage) < MostDrops)
        {
            return null;
        }

        // SAFETY: there are as many words for each page of memory (BesideCodeTests); they live as long as this.
        fixed (ulong* words = _read[ramPage].Words)
        {
            return words; // native memory does not move
        }
    }

    /// <summary>Makes a RAM page a code page: afterwards its bytes change only through <see cref="DropPage"/>. Under the lock.</summary>
    internal void GuardPage(int ramPage, TranslatorVcpu self)
    {
        if (IsCode(ramPage) != 0)
        {
            return;
        }

        IsCode(ramPage) = 1;
        Interlocked.MemoryBarrier();
        if (IsWritten(ramPage) == 0)
        {
            return;
        }

        foreach (TranslatorVcpu vcpu in _vcpus)
        {
            vcpu.Tlb.ClearWriteTags(ramPage);
        }

        Interlocked.MemoryBarrier();
        AwaitOthers(self);

        // A vCPU that filled a tag meanwhile saw the flag and took the tag back.
        IsWritten(ramPage) = 0;
    }

    /// <summary>Waits until each other vCPU that runs translated code has left it once.</summary>
    private void AwaitOthers(TranslatorVcpu self)
    {
        foreach (TranslatorVcpu vcpu in _vcpus)
        {
            if (vcpu != self)
            {
                vcpu.AwaitOutOfGuest();
            }
        }
    }

    /// <summary>Drops all code that came from a RAM page, before (or right after) its bytes change.</summary>
    internal void DropPage(int ramPage)
    {
        lock (Lock)
        {
            if (IsCode(ramPage) == 0)
            {
                return;
            }

            int views = 0;
            for (uint id = _ramHead[ramPage]; id != 0; id = _pages[(int)id].Next)
            {
                _pages[(int)id].Alive = false;
                RemoveFromRow(id);
                ulong gva = _pages[(int)id].Gva;
                int view = ModeOf(id).View;
                views |= 1 << view;
                foreach (TranslatorVcpu vcpu in _vcpus)
                {
                    if (!IsRelative(id))
                    {
                        vcpu.ClearCodeSlot(VcpuState.SlotOf(gva, view), VcpuState.SlotValue(gva, id));
                    }
                    else if (_pages[(int)id].InSlots)
                    {
                        vcpu.ClearUserCodeSlots(id);
                    }
                }
            }

            _ramHead[ramPage] = 0;
            if (Drops(ramPage) < MostDrops)
            {
                Volatile.Write(ref Drops(ramPage), (byte)(Drops(ramPage) + 1));
            }
            else
            {
                _read[ramPage].Words.Clear(); // of others nothing was noted
            }

            foreach (TranslatorVcpu vcpu in _vcpus)
            {
                vcpu.RequestForget(views);
            }

            Volatile.Write(ref IsCode(ramPage), 0);
        }
    }

    /// <summary>Drops all code: waits until no vCPU runs any, then starts over. Under the lock.</summary>
    internal void DropAll(TranslatorVcpu? self)
    {
        Volatile.Write(ref _published, 0); // first: who packs without the lock sees it with the new generation
        Volatile.Write(ref _generation, _generation + 1);
        Interlocked.MemoryBarrier();
        foreach (TranslatorVcpu vcpu in _vcpus)
        {
            vcpu.RequestForget(TranslatorVcpu.AllViews);
            if (vcpu != self)
            {
                vcpu.AwaitOutOfGuest();
            }

            vcpu.ClearCodeSlots();
        }

        Interlocked.MemoryBarrier(); // who packs without the lock looks at the generation behind what it read
        _blocks.Clear();
        _pageRows.Clear();
        _ramHead.Clear();
        new Span<byte>(_pageFlags.Pointer, Memory.PageCount).Clear();
        _pageCount = 1;
        _edgeCount = 0;
        _interpretedCount = MaxVcpus;
        ForgetPlaces();
        _free = _firstFree;
        _written.Restart();
        // Ids start over too: no code that compares them is left.
    }
}
