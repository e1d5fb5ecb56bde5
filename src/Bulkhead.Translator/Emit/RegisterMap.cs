namespace Bulkhead.Translator.Emit;

/// <summary>Where guest general registers live while translated code runs.</summary>
/// <remarks>Thirteen in host registers of their own number, but for RSP, which lives in host r9 because host rsp is the
/// return stack; guest r9, r10 and r11 in the state; host r10 and r11 are scratch.</remarks>
internal static class RegisterMap
{
    internal const int Rax = 0;
    internal const int Rcx = 1;
    internal const int Rdx = 2;
    internal const int Rbx = 3;
    internal const int HostRsp = 4;
    internal const int Rsi = 6;
    internal const int Rdi = 7;

    /// <summary>The host register that holds guest RSP.</summary>
    internal const int GuestRsp = 9;

    /// <summary>Scratch: addresses and targets.</summary>
    internal const int R10 = 10;

    /// <summary>Scratch: TLB index, spilled operands, exit codes.</summary>
    internal const int R11 = 11;

    /// <summary>The host register of a guest register, or -1 when it is in the state.</summary>
    internal static int HostOf(int guest) => guest switch
    {
        4 => GuestRsp,
        9 or 10 or 11 => -1,
        _ => guest,
    };
}
