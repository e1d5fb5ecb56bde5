using static Bulkhead.Translator.Emit.RegisterMap;

namespace Bulkhead.Translator.Emit;

/// <summary>Which spilled guest registers host r10 and r11 hold, at one place of the code: where the last instruction that is known to
/// keep them ends. Whatever is emitted behind it makes the places differ, and nothing is known.</summary>
internal struct ScratchRegisters
{
    private int _at;
    private int _inR10;
    private int _inR11;
    private int _last;

    /// <summary>Nothing is known, wherever.</summary>
    internal void Forget() => _at = -1;

    /// <summary>Whether something is known at a place.</summary>
    internal readonly bool IsAt(int place) => _at == place;

    /// <summary>The host register that holds a guest register at a place, or -1.</summary>
    internal readonly int HostOf(int place, int guest) => _at == place ? Holder(guest) : -1;

    /// <summary>The same where something is known.</summary>
    internal readonly int Holder(int guest) => _inR10 == guest ? R10 : _inR11 == guest ? R11 : -1;

    /// <summary>The host register whose value is likely not wanted again.</summary>
    internal readonly int Victim(int place) => _at != place || _inR11 < 0 ? R11 : _inR10 < 0 || _last == R11 ? R10 : R11;

    /// <summary>What is known holds at a place further on; or with <paramref name="known"/> false nothing but what is noted next.</summary>
    internal void Move(int place, bool known)
    {
        _at = place;
        (_inR10, _inR11) = known ? (_inR10, _inR11) : (-1, -1);
    }

    /// <summary>A host register holds a guest register.</summary>
    internal void Note(int host, int guest)
    {
        _inR10 = host == R10 ? guest : _inR10 == guest ? -1 : _inR10;
        _inR11 = host == R11 ? guest : _inR11 == guest ? -1 : _inR11;
        _last = host;
    }
}
